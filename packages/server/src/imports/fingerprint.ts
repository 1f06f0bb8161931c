import { createHmac, timingSafeEqual } from "node:crypto";
import { keyIdIn } from "../identity/index.ts";
import { Secret } from "../kernel/secret.ts";
import type { ImportItem } from "./item.ts";

/*
 * What is remembered of an imported item, and how values are compared: HMAC-SHA-256 under a key of the vault. With the
 * database alone nobody can find out which value an item had, nor try a list of likely ones. Digests of equal length
 * are compared in constant time, and values never otherwise.
 */

export interface Fingerprints {
  /**
   * 64 characters each, the same for the same item of the same kind of source; the first is to be kept. The others are
   * what it would have been under earlier versions of the key, for what was kept before the key was rotated.
   */
  of(source: string, item: ImportItem): readonly [string, ...string[]];
  /** What two equal values have in common. */
  ofValue(value: Secret): Buffer;
}

/** The keys stay the caller's, to wipe. */
export function createFingerprints(newest: Buffer, earlier: readonly Buffer[]): Fingerprints {
  return {
    of(source, item) {
      const content = `import 1\0${source}\0${JSON.stringify(sorted(item))}`;
      const under = (key: Buffer): string => createHmac("sha256", key).update(content, "utf8").digest("hex");
      return [under(newest), ...earlier.map(under)];
    },
    ofValue: (value) => createHmac("sha256", newest).update("value 1\0").update(value.reveal(), "utf8").digest(),
  };
}

export function sameValue(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Whether a value is a key that a Portcullis issues to callers, and no provider's. */
export function isPortcullisKey(value: Secret): boolean {
  return keyIdIn(value.reveal()) !== undefined;
}

/** Plain data in one order, secrets in clear: it goes into the HMAC and nowhere else. */
function sorted(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, part]) => [name, sorted(part)]),
  );
}
