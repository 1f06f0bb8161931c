export { awsKmsUnlocker, type AwsKmsKey } from "./aws-kms.ts";
export { givenKeyUnlocker } from "./environment.ts";
export { ensureKeyFile, keyFileUnlocker, readKeyFile } from "./key-file.ts";
export { createKeyRing, type KeyRing } from "./key-ring.ts";
export { keyRingUnlocker, ringProblem } from "./key-ring-unlocker.ts";
export { checkNewPassphrase, passphraseUnlocker } from "./passphrase.ts";
export { transitUnlocker, type TransitKey } from "./transit.ts";
export { isSlotKind, type SlotKind, type Unlocker, type WrappedKey } from "./unlocker.ts";
