import { start } from "./0001-start.ts";
import { usageSums } from "./0002-usage-sums.ts";
import { keyPassthrough } from "./0003-key-passthrough.ts";
import type { Migration } from "./migration.ts";

/** Every migration, in order. */
export const migrations: readonly Migration[] = [start, usageSums, keyPassthrough];
