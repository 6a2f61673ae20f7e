/** A file that is part of the executable: where it is read from. */
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
