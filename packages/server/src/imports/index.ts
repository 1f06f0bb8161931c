export { createImports, type ImportResult } from "./imports.ts";
export type { ImportItem } from "./item.ts";
