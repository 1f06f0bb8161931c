import type { Secret } from "../../kernel/secret.ts";
import { parseKey } from "../key-text.ts";
import { fixedKeySource, keyedUnlocker, type Unlocker } from "./unlocker.ts";

/**
 * Opens with a 32-byte key given in base64, as PORTCULLIS_ROOT_KEY is; anything else opens nothing. The content of a key
 * file, given by hand, opens a slot of that kind in the same way.
 */
export function givenKeyUnlocker(kind: "environment" | "key-file", base64: Secret): Unlocker {
  return keyedUnlocker(fixedKeySource(kind, { newParams: () => "{}", key: () => Promise.resolve(parseKey(base64)) }));
}
