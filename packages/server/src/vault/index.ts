export { createVault, type VaultOptions } from "./barrier.ts";
export type { RecordRef } from "./store.ts";
export type { Vault } from "./vault.ts";
export { createIncomingVault, type IncomingReport, type IncomingVault } from "./incoming.ts";
export { outgoingRootKey, outgoingTables, vaultTables, type OutgoingTable } from "./outgoing.ts";
export type { VaultStore } from "./store.ts";
export type { OpeningOptions, UnsealGiven } from "./opening.ts";
export { createKeyRing } from "./unlockers/index.ts";
export { openVaultStore, type OpenedVaultStore } from "./stores/open.ts";
