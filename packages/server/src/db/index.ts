export { copyDatabase } from "./copy.ts";
export { isUniqueViolation } from "./constraint.ts";
export { openDatabase, type Db, type OpenOptions } from "./connect.ts";
export { migrate, migrateWithin, migrationStatus, type MigrationResult, type MigrationStatus } from "./migrate.ts";
export {
  emptyTables,
  rowInserter,
  tableRows,
  tableShapes,
  type InsertRows,
  type TableShape,
  type Value,
} from "./table-rows.ts";
export { upgrade } from "./upgrade.ts";
export type * from "./tables.ts";
