import type { Credential } from "@portcullis/contract";
import { isoTime } from "../kernel/clock.ts";
import type { CredentialRecord, Providers } from "../providers/index.ts";
import { credentialUse, type CredentialUse } from "../usage/index.ts";
import type { AdminParts } from "./parts.ts";
import { settled } from "./usage-filter.ts";

/** A credential as the API shows it; `usage` only where it was looked up. */
export function describeCredential(
  record: CredentialRecord,
  credentials: Providers["credentials"],
  usage: Credential["usage"] = null,
): Credential {
  const overlap = credentials.overlapOf(record.id);
  const trouble = credentials.troubleOf(record.id);
  return {
    id: record.id,
    provider: record.providerId,
    label: record.label,
    source: record.source,
    reference: record.reference,
    weight: record.weight,
    priority: record.priority,
    status: record.status === "disabled" ? "disabled" : "active",
    state: credentials.state(record),
    last_four: record.lastFour,
    origins: [...record.origins],
    expires_at: timeOrNull(record.expiresAt),
    tested_at: timeOrNull(record.testedAt),
    test_ok: record.testOk,
    test_error: record.testError,
    previous: overlap === undefined ? null : { last_four: overlap.lastFour, until: isoTime(overlap.until) },
    trouble: trouble === undefined ? null : { count: trouble.count, last_at: isoTime(trouble.at) },
    usage,
    created_at: isoTime(record.createdAt),
    updated_at: isoTime(record.updatedAt),
  };
}

const dayMs = 24 * 3_600_000;

/** The same for several, with what they were used for in the last 24 hours. */
export async function describeUsed(records: readonly CredentialRecord[], parts: AdminParts): Promise<Credential[]> {
  const { clock, db, providers, usage } = parts;
  await settled(usage);
  const now = clock.now();
  const uses = await credentialUse(db, { since: now - dayMs, until: now + 1, clock });
  return records.map((record) => describeCredential(record, providers.credentials, useOf(uses.get(record.id))));
}

function useOf(use: CredentialUse | undefined): Credential["usage"] {
  if (use === undefined) return { requests: 0, errors: 0, last_used_at: null };
  return { requests: use.requests, errors: use.errors, last_used_at: isoTime(use.lastUsedAt) };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
