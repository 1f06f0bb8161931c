import type { Digest, KeyRecord } from "./key-records.ts";
import type { Peppers } from "./peppers.ts";
import { sameDigest } from "./token.ts";

/** Which of a key's secrets a text has, and its digest as it is stored. */
export interface Match {
  readonly which: "current" | "previous";
  readonly digest: Digest;
}

type Secrets = Pick<KeyRecord, "hmac" | "pepperVersion" | "previousHmac" | "previousPepperVersion" | "previousUntil">;

const noDigest = Buffer.alloc(32);

/**
 * The same work for a key that there is and one that there is not: a digest with each version of the pepper that its two
 * secrets may have been hashed with, which is one as long as there is one pepper. Throws `vault_sealed`.
 */
export function matchSecret(
  record: Secrets | undefined,
  secret: string,
  peppers: Peppers,
  nowMs: number,
): Match | undefined {
  const stored = record ?? nobody(peppers.newest);
  const version = stored.pepperVersion;
  const previousVersion = stored.previousPepperVersion;
  const hmac = peppers.hash(version, secret);
  const previousHmac = peppers.versions.length > 1 ? peppers.hash(previousVersion, secret) : hmac;
  const current = sameDigest(stored.hmac, hmac);
  const previous = sameDigest(stored.previousHmac ?? noDigest, previousHmac);
  const inOverlap = stored.previousUntil !== null && stored.previousUntil > nowMs;
  if (current) return { which: "current", digest: { hmac, version } };
  if (inOverlap && previous) return { which: "previous", digest: { hmac: previousHmac, version: previousVersion } };
  return undefined;
}

function nobody(version: number): Secrets {
  const previous = { previousHmac: null, previousPepperVersion: version, previousUntil: null };
  return { hmac: noDigest, pepperVersion: version, ...previous };
}
