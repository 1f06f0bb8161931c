import { start } from "./0001-start.ts";
import { usageSums } from "./0002-usage-sums.ts";
import { keyPassthrough } from "./0003-key-passthrough.ts";
import { vaultKeys } from "./0004-vault-keys.ts";
import { credentialSources } from "./0005-credential-sources.ts";
import { imports } from "./0006-imports.ts";
import { recordsByTerm } from "./0007-records-by-term.ts";
import { routes } from "./0008-routes.ts";
import { translation } from "./0009-translation.ts";
import type { Migration } from "./migration.ts";

/** Every migration, in order. */
export const migrations: readonly Migration[] = [
  start,
  usageSums,
  keyPassthrough,
  vaultKeys,
  credentialSources,
  imports,
  recordsByTerm,
  routes,
  translation,
];
