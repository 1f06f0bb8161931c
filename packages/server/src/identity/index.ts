export { createKeyRecords, type KeyRecord } from "./key-records.ts";
export { Keys, type Caller, type IssuedKey, type NewKey } from "./keys.ts";
export { createOwnership, type Owner, type Ownership } from "./ownership.ts";
