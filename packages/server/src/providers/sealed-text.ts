import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import type { RecordRef } from "../vault/index.ts";

/*
 * What the vault keeps of a credential, each in a field of its own, so that none can be passed off as another:
 *
 *   value      the key
 *   reference  where the key is read from, in the place of a key
 *   previous   the key before the last rotation, and until when it may come back, as JSON
 *
 * A record opens only as the field of the credential that it was sealed as, and only for the origins that it was sealed
 * to. So whoever writes the database's rows can neither have a reference sent as a key, nor point one elsewhere, nor
 * make an old key live longer.
 */

export type SealedField = "value" | "reference" | "previous";

export function recordOf(id: string, field: SealedField): RecordRef {
  return { type: "credential", id, field };
}

/** The field that holds what requests need. */
export function keyFieldOf(record: { readonly reference: string | null }): SealedField {
  return record.reference === null ? "value" : "reference";
}

/** The key that was in force before a rotation. */
export interface PreviousKey {
  readonly key: Secret;
  /** Milliseconds. Afterwards it is deleted and never used again. */
  readonly until: number;
  /** When the key itself expires, if it does. */
  readonly expiresAt: number | null;
}

export function packPrevious({ key, until, expiresAt }: PreviousKey): Secret {
  return new Secret(JSON.stringify({ key: key.reveal(), until, expires_at: expiresAt }));
}

/** Throws `vault_record_unreadable` for what `packPrevious` did not make; `id` is the credential's. */
export function unpackPrevious(packed: Secret, id: string): PreviousKey {
  const { key, until, expires_at: expiresAt = null } = parseObject(packed.reveal());
  if (typeof key === "string" && typeof until === "number" && (expiresAt === null || typeof expiresAt === "number"))
    return { key: new Secret(key), until, expiresAt };
  throw new AppError("vault_record_unreadable", { id: `credential/${id}/previous` });
}

/** The text of a sealed reference. It is no secret in itself. */
export function referenceIn(sealed: Secret): string {
  return sealed.reveal();
}

export function isSameKey(one: Secret, other: Secret): boolean {
  return one === other || one.reveal() === other.reveal();
}

function parseObject(text: string): { key?: unknown; until?: unknown; expires_at?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
