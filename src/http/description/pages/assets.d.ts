/** Path of a file that is embedded in the executable. */
declare module "*.css" {
  const path: string
  export default path
}
declare module "swagger-ui-dist/swagger-ui-bundle.js" {
  const path: string
  export default path
}
declare module "redoc/bundles/redoc.standalone.js" {
  const path: string
  export default path
}
