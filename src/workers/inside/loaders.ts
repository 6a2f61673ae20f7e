type Loaders = readonly (() => Promise<{ readonly default?: unknown }>)[]

/** Returns the functions of a bundle that load its modules. */
export async function loadersIn(code: string): Promise<Loaders> {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }))
  try {
    const bundle: { readonly modules: Loaders } = await import(url)
    return bundle.modules
  } finally {
    URL.revokeObjectURL(url)
  }
}
