import type { ComponentChildren } from "preact"

export interface ButtonProps {
  readonly children: ComponentChildren
  readonly onClick?: () => void
  /** `primary`: the one action of a place. `danger`: what can't be undone. Default: `plain`. */
  readonly kind?: "primary" | "danger" | "plain" | "quiet"
  readonly type?: "button" | "submit"
  readonly isDisabled?: boolean
  /** Says more than the text, for those who don't see what is around the button. */
  readonly label?: string
  readonly isPressed?: boolean
}

export const Button = ({
  children,
  onClick,
  kind = "plain",
  type = "button",
  isDisabled,
  label,
  isPressed,
}: ButtonProps) => (
  <button
    type={type}
    class={`button ${kind}`}
    disabled={isDisabled ?? false}
    aria-label={label}
    aria-pressed={isPressed}
    onClick={onClick}
  >
    {children}
  </button>
)
