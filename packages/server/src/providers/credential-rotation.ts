import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import { parseKey } from "./auth.ts";
import { requireFuture, requireStored, untested, type CredentialChangeParts } from "./credential-changes.ts";
import { absent, createOverlaps } from "./credential-overlaps.ts";
import type { CredentialRecord } from "./credential-records.ts";
import { isSameKey, recordOf } from "./sealed-text.ts";

/*
 * The rotation of a key, and its way back. A credential is in one of two states:
 *
 *   settled   `value` is its key.
 *   overlap   `value` is its new key, and `previous` the one before, until a time that is sealed with it. Entered by a
 *             rotation with overlap; left when that time is over, by the next rotation, or by a roll-back, which puts the
 *             previous key into `value` again.
 *
 * Each step is one write of the vault, and the key that is in force is always whole in `value`: first `previous` is
 * written, then `value`, then the row. Killed after the first, the old key is in force, and `previous` is a copy of it,
 * which does nothing and is deleted in time. Killed after the second, the new key is in force, and the row still shows
 * the end of the old one until the key is next opened. Requests under way hold the key that they began with.
 */

export interface RotateOptions {
  /** How long the key before may come back if the provider refuses the new one; not at all unless given. */
  readonly overlapMs?: number | undefined;
  /** When the new key expires. That of the key before does not hold for it. */
  readonly expiresAt?: number | undefined;
}

const longestOverlapMs = 30 * 24 * 3_600_000;

export function createRotation(parts: CredentialChangeParts) {
  const { clock, vault, live, records, troubles, get, refresh } = parts;
  const overlaps = createOverlaps(parts);

  async function keepPresent(record: CredentialRecord, next: Secret, origin: string, until: number): Promise<void> {
    const key = await presentKey(parts, record.id, origin);
    if (isSameKey(key, next)) {
      throw new AppError("invalid_request", { problem: "this is the key that is in force already" });
    }
    await overlaps.keep(record.id, { key, until, expiresAt: record.expiresAt }, origin);
  }

  async function putInForce({ id }: CredentialRecord, key: Secret, origin: string) {
    await vault.put(recordOf(id, "value"), key, [origin]);
    troubles.clear(id);
    return { lastFour: key.lastFour, origins: [origin], ...untested, updatedAt: clock.now() };
  }

  async function rotate(id: string, value: Secret, { overlapMs = 0, expiresAt }: RotateOptions) {
    const record = requireRotatable(get(id), overlapMs);
    if (expiresAt !== undefined) requireFuture(expiresAt, clock.now());
    const { origin } = live.require(record.providerId);
    const key = parseKey(value);
    if (overlapMs > 0) await keepPresent(record, key, origin, clock.now() + overlapMs);
    else await overlaps.drop(id);
    const changes = { ...(await putInForce(record, key, origin)), expiresAt: expiresAt ?? null };
    await records.change(id, { ...changes, ...(record.status !== "disabled" && { status: "active" as const }) });
    await refresh();
    return get(id);
  }

  async function rollBack(id: string, refused: Secret, before: () => Promise<void>): Promise<boolean> {
    const record = get(id);
    const { origin } = live.require(record.providerId);
    const previous = await overlaps.read(id, origin);
    if (previous === undefined || Math.min(previous.until, previous.expiresAt ?? Infinity) <= clock.now()) return false;
    const present = await presentKey(parts, id, origin);
    if (!isSameKey(present, refused) || isSameKey(present, previous.key)) return false;
    await before();
    const changes = { ...(await putInForce(record, previous.key, origin)), expiresAt: previous.expiresAt };
    await records.change(id, { ...changes, status: record.status === "disabled" ? "disabled" : "rolled_back" });
    await overlaps.drop(id);
    await refresh();
    return true;
  }

  return {
    /** Throws `not_found`, `invalid_request`, `vault_sealed` if it could not be given a new key now. */
    requireRotatable: (id: string): void => {
      requireRotatable(get(id), 0);
      if (vault.sealed) throw new AppError("vault_sealed");
    },

    /**
     * A new key in the place of the old one, sealed to the provider's present address. Throws `not_found`,
     * `invalid_request`, `vault_sealed`, `store_conflict`.
     */
    rotate: (id: string, value: Secret, options: RotateOptions = {}): Promise<CredentialRecord> =>
      overlaps.inTurn(id, () => rotate(id, value, options)),

    /**
     * Puts the key before the rotation in force again, if it may still come back and the key that was refused is the one
     * in force. `before` is awaited when that is certain and nothing has changed yet. Whether it was done.
     */
    rollBack: (id: string, refused: Secret, before: () => Promise<void>): Promise<boolean> =>
      overlaps.inTurn(id, () => rollBack(id, refused, before)),

    /** The key that may come back, if there is one. */
    overlapOf: overlaps.of,
    /** Looks in the vault for what was left by an earlier process. Throws `vault_sealed`. */
    loadOverlaps: overlaps.loadAll,
    /** Deletes the keys whose overlap is over; the ids of their credentials. */
    endOverlaps: overlaps.endAll,
    keepOverlaps: overlaps.keepOnly,
  };
}

async function presentKey({ vault }: CredentialChangeParts, id: string, origin: string): Promise<Secret> {
  try {
    return await vault.get(recordOf(id, "value"), origin);
  } catch (error) {
    if (!(error instanceof AppError) || !absent.has(error.code)) throw error;
    throw new AppError(
      "invalid_request",
      { problem: "the present key cannot be used for the provider's address, so it cannot overlap with a new one" },
      { cause: error },
    );
  }
}

function requireRotatable(record: CredentialRecord, overlapMs: number): CredentialRecord {
  const { id, reference } = requireStored(record);
  if (reference !== null) {
    throw new AppError("invalid_request", {
      problem: `the key of \`${id}\` is read from ${reference}; change it there`,
    });
  }
  if (overlapMs < 0 || overlapMs > longestOverlapMs) {
    throw new AppError("invalid_request", { problem: "keys may overlap for 30 days at most" });
  }
  return record;
}
