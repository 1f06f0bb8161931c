import { start } from "./0001-start.ts";
import { usageSums } from "./0002-usage-sums.ts";
import { keyPassthrough } from "./0003-key-passthrough.ts";
import { vaultKeys } from "./0004-vault-keys.ts";
import { credentialSources } from "./0005-credential-sources.ts";
import { imports } from "./0006-imports.ts";
import type { Migration } from "./migration.ts";

/** Every migration, in order. */
export const migrations: readonly Migration[] = [
  start,
  usageSums,
  keyPassthrough,
  vaultKeys,
  credentialSources,
  imports,
];
