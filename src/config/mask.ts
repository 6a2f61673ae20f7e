/** Replaces a secret, whatever its length. */
export const MASK = "********"

const SECRET_NAME = /PASSWORD|KEY|SECRET|TOKEN/

/** Returns true if a variable's name says that its value is a secret, or leads to one. */
export const hasSecretName = (name: string): boolean => SECRET_NAME.test(name)

const SCHEME = /^(?:amqps?|https?):\/\//i

/**
 * Masks a user, password or token in a value, because people give whole URLs where a host is expected. Everything before
 * the last `@` is masked, because a password can contain any of `@/:,`; a query and a fragment are masked too.
 */
export function maskSecrets(value: string): string {
  const scheme = SCHEME.exec(value)?.[0] ?? ""
  const rest = value.slice(scheme.length)
  const at = rest.lastIndexOf("@")
  const query = rest.search(/[?#]/)
  // Either the password has the mark of a query, or the query has an @.
  if (query !== -1 && query < at) return scheme + MASK
  const userInfo = at === -1 ? "" : `${MASK}@`
  return scheme + userInfo + (query === -1 ? rest.slice(at + 1) : rest.slice(at + 1, query + 1) + MASK)
}
