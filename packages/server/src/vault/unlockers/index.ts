export { givenKeyUnlocker } from "./environment.ts";
export { ensureKeyFile, keyFileUnlocker, readKeyFile } from "./key-file.ts";
export { checkNewPassphrase, passphraseUnlocker } from "./passphrase.ts";
export type { SlotKind, Unlocker, WrappedKey } from "./unlocker.ts";
