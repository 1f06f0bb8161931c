export { createKeyRecords, type KeyRecord } from "./key-records.ts";
export { fingerprintOf, Keys, type Caller, type IssuedKey } from "./keys.ts";
export { createOwnership, type Ownership } from "./ownership.ts";
export { keyIdIn } from "./token.ts";
