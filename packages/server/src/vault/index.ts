export { createVault, type VaultOptions } from "./barrier.ts";
export type { RecordRef } from "./records.ts";
export type { Vault } from "./vault.ts";
