import * as v from "valibot"

const isHttpUrl = (text: string): boolean => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? "")

/** A whole number within its bounds. */
export const wholeNumber = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, `takes a whole number from ${min} to ${max}`),
    v.transform(Number),
    v.minValue(min, `takes a whole number from ${min} to ${max}`),
    v.maxValue(max, `takes a whole number from ${min} to ${max}`),
  )

/** One of some words. */
export const oneOf = <const Options extends readonly string[]>(options: Options) =>
  v.picklist(options, `takes one of ${options.join(", ")}`)

/** Any text. */
export const nonEmpty = v.pipe(v.string(), v.nonEmpty("takes a text that is not empty"))

/** A URL, or nothing. */
export const optionalHttpUrl = v.pipe(
  v.string(),
  v.check((text) => text === "" || isHttpUrl(text), "takes a URL that begins with http:// or https://"),
)

/** Where a registry is, without a secret that the log would show. */
export const optionalRegistryUrl = v.pipe(
  v.string(),
  v.transform((text) => (text === "" || text.includes("://") ? text : `http://${text}`)),
  v.check((text) => {
    const url = URL.parse(text)
    return (
      text === "" ||
      (isHttpUrl(text) && url?.username === "" && url.password === "" && url.search + url.hash === "")
    )
  }, "takes a host with a port, or a URL of http or https, without user, password, query and fragment"),
)

/** Origins with commas between, as browsers send them; or any, by an asterisk. */
export const origins = v.pipe(
  v.string(),
  v.transform((text) => (text === "" ? [] : text.split(",").map((each) => each.trim()))),
  v.check(
    (list) => list.every((each) => each === "*" || URL.parse(each)?.origin === each),
    "takes origins with commas between, such as https://console.example.com, or *",
  ),
)

const HOST_NAME = /^(\*|[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*)$/

/** Host names with commas between, in lower case and without a dot at the end; or any, by an asterisk. */
export const hostNames = v.pipe(
  v.string(),
  v.transform((text) =>
    text === "" ? [] : text.split(",").map((each) => each.trim().toLowerCase().replace(/\.$/, "")),
  ),
  v.check(
    (names) => names.every((name) => HOST_NAME.test(name)),
    "takes host names with commas between, without ports, such as broker.example.com, or *",
  ),
)

/** Yes or no. */
export const flag = v.pipe(
  v.picklist(["true", "false"], "takes true or false"),
  v.transform((text) => text === "true"),
)

/** One host of a list, which may have a port of its own; an IPv6 address stands in brackets. */
const HOST = /^(\[[\da-fA-F:.]+\]|[^\s:,[\]]+)(?::(\d{1,5}))?$/

/** Hosts with commas between, each with its port or without. */
export const hosts = v.pipe(
  v.string(),
  v.transform((text) => text.split(",").map((each) => HOST.exec(each.trim()))),
  v.check(
    (parts) => parts.every((each) => each !== null),
    "takes hosts with commas between, such as a,b or a:5672,b:5673",
  ),
  v.transform((parts) =>
    parts.map((each) => ({
      host: (each?.[1] ?? "").replace(/^\[|\]$/g, ""),
      port: each?.[2] === undefined ? null : Number(each[2]),
    })),
  ),
)

/** A host's name or address, or nothing. */
export const optionalHost = v.pipe(
  v.string(),
  v.regex(/^[^\s:/@]*$|^[\da-fA-F:.]+$/, "takes a host's name or address, without a port"),
)
