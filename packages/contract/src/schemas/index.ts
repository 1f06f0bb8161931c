export { importItem } from "./imports.ts";
export { openApiDocument } from "./openapi.ts";
export { schemas } from "./table.ts";
export { problem } from "./values.ts";
