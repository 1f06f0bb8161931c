import type { Credential, endpoints, HandlersOf } from "@portcullis/contract";
import { isoTime, parseDurationMs, type Clock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { testProvider, type CredentialRecord, type ProbeResult } from "../../providers/index.ts";
import type { Call } from "../app.ts";
import { pageOf } from "../paging.ts";
import type { AdminParts } from "../parts.ts";

export function credentialHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["credentials"], Call> {
  const { providers, clock } = parts;
  const { credentials } = providers;
  return {
    list: async ({ query }) => {
      const { data, next_cursor } = pageOf(credentials.list(query.provider), query, (record) => record.id);
      return { data: data.map(describeCredential), next_cursor };
    },
    create: async ({ input }) => {
      const provider = providers.require(input.provider);
      const value = new Secret(input.value);
      const tested = input.test ? await testProvider(provider, value, parts) : undefined;
      if (tested !== undefined && !tested.ok)
        throw new AppError("provider_test_failed", { problem: tested.error ?? "" });
      const added = await credentials.add(provider.id, value, {
        label: input.label,
        weight: input.weight,
        priority: input.priority,
        expiresAt: expiryOf(input, clock),
      });
      if (tested === undefined) return describeCredential(added);
      return describeCredential(await credentials.recordTest(added.id, tested));
    },
    test: async ({ params }) => {
      const record = credentials.get(params.id);
      const provider = providers.require(record.providerId);
      const result = await testProvider(provider, await credentials.open(record, provider.origin), parts);
      if (record.source === "stored") await credentials.recordTest(record.id, result);
      return describeTest(result);
    },
    disable: async ({ params }) => describeCredential(await credentials.disable(params.id)),
    enable: async ({ params }) => describeCredential(await credentials.enable(params.id)),
    remove: async ({ params }) => {
      await credentials.remove(params.id);
      return undefined;
    },
  };
}

export function describeTest(result: ProbeResult) {
  const { ok, latencyMs } = result;
  return ok
    ? { ok, latency_ms: latencyMs, models: result.models.length }
    : { ok, latency_ms: latencyMs, models: 0, error: result.error };
}

function expiryOf(
  input: { readonly expires_at?: string | undefined; readonly expires_in?: string | undefined },
  clock: Clock,
): number | undefined {
  if (input.expires_at !== undefined) return Date.parse(input.expires_at);
  const lifeMs = input.expires_in === undefined ? undefined : parseDurationMs(input.expires_in);
  return lifeMs === undefined ? undefined : clock.now() + lifeMs;
}

function describeCredential(record: CredentialRecord): Credential {
  const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));
  return {
    id: record.id,
    provider: record.providerId,
    label: record.label,
    weight: record.weight,
    priority: record.priority,
    status: record.status,
    last_four: record.lastFour,
    origins: [...record.origins],
    expires_at: time(record.expiresAt),
    tested_at: time(record.testedAt),
    test_ok: record.testOk,
    test_error: record.testError,
    created_at: isoTime(record.createdAt),
    updated_at: isoTime(record.updatedAt),
  };
}
