import type { endpoints, HandlersOf, RequestOf } from "@portcullis/contract";
import { parseDurationMs, type Clock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { testProvider, type CredentialRecord, type ProbeResult, type Provider } from "../../providers/index.ts";
import type { Call } from "../app.ts";
import { describeCredential, describeUsed } from "../described-credential.ts";
import { pageOf } from "../paging.ts";
import type { AdminParts } from "../parts.ts";
import { revealValue } from "../reveal.ts";

type Endpoints = (typeof endpoints)["credentials"];

export function credentialHandlers(parts: AdminParts): HandlersOf<Endpoints, Call> {
  const { providers, clock } = parts;
  const { credentials } = providers;
  const show = (record: CredentialRecord) => describeCredential(record, credentials);
  return {
    list: async ({ query }) => {
      const { data, next_cursor } = pageOf(credentials.list(query.provider), query, (record) => record.id);
      return { data: await describeUsed(data, parts), next_cursor };
    },
    get: async ({ params }) => {
      const [shown] = await describeUsed([credentials.get(params.id)], parts);
      return shown ?? show(credentials.get(params.id));
    },
    create: async ({ input }) => show(await create(input, parts)),
    update: async ({ params, input }) => {
      const { label, weight, priority } = input;
      return show(await credentials.update(params.id, { label, weight, priority, expiresAt: expiryOf(input, clock) }));
    },
    rotate: async ({ params, input }) => show(await rotate(params.id, input, parts)),
    test: async ({ params }) => {
      const record = credentials.get(params.id);
      const provider = providers.require(record.providerId);
      const result = await testProvider(provider, await credentials.open(record, provider.origin), parts);
      if (record.source === "stored") await credentials.recordTest(record.id, result);
      return describeTest(result);
    },
    disable: async ({ params }) => show(await credentials.disable(params.id)),
    enable: async ({ params }) => show(await credentials.enable(params.id)),
    remove: async ({ params }) => {
      await credentials.remove(params.id);
      return undefined;
    },
    reveal: async ({ params }, call) => {
      const record = credentials.get(params.id);
      const { origin } = providers.require(record.providerId);
      const what = { action: "credentials.revealed", target: record.id } as const;
      return { id: record.id, value: await revealValue(parts, call, what, () => credentials.open(record, origin)) };
    },
  };
}

async function create(input: RequestOf<Endpoints["create"]>["input"], parts: AdminParts): Promise<CredentialRecord> {
  const { providers, clock } = parts;
  const { credentials } = providers;
  const provider = providers.require(input.provider);
  const expiresAt = expiryOf(input, clock) ?? undefined;
  const given = { label: input.label, weight: input.weight, priority: input.priority, expiresAt };
  const tested = input.test ? await testGiven(provider, await keyToTest(provider, input, parts), parts) : undefined;
  const { id } =
    input.reference === undefined
      ? await credentials.add(provider.id, new Secret(input.value ?? ""), given)
      : await credentials.addReference(provider.id, input.reference, given);
  return tested === undefined ? credentials.get(id) : credentials.recordTest(id, tested);
}

async function keyToTest(
  provider: Provider,
  { value, reference }: { readonly value?: string | undefined; readonly reference?: string | undefined },
  { providers: { credentials } }: AdminParts,
): Promise<Secret> {
  return reference === undefined ? new Secret(value ?? "") : credentials.readReference(provider.id, reference);
}

async function rotate(
  id: string,
  input: RequestOf<Endpoints["rotate"]>["input"],
  parts: AdminParts,
): Promise<CredentialRecord> {
  const { providers, clock } = parts;
  const { credentials } = providers;
  const value = new Secret(input.value);
  credentials.requireRotatable(id);
  const provider = providers.require(credentials.get(id).providerId);
  const tested = input.test ? await testGiven(provider, value, parts) : undefined;
  const overlapMs = input.overlap === undefined ? undefined : parseDurationMs(input.overlap);
  await credentials.rotate(id, value, { overlapMs, expiresAt: expiryOf(input, clock) ?? undefined });
  return tested === undefined ? credentials.get(id) : credentials.recordTest(id, tested);
}

/** Throws `provider_test_failed` for a key that the provider does not accept. */
async function testGiven(provider: Provider, key: Secret, parts: AdminParts): Promise<ProbeResult> {
  const tested = await testProvider(provider, key, parts);
  if (tested.ok) return tested;
  throw new AppError("provider_test_failed", { problem: tested.error ?? "the provider did not accept the key" });
}

export function describeTest(result: ProbeResult) {
  const { ok, latencyMs } = result;
  return ok
    ? { ok, latency_ms: latencyMs, models: result.models.length }
    : { ok, latency_ms: latencyMs, models: 0, error: result.error };
}

/** `undefined`: nothing was said of it; null: it does not expire. */
function expiryOf(
  input: { readonly expires_at?: string | null | undefined; readonly expires_in?: string | null | undefined },
  clock: Clock,
): number | null | undefined {
  if (input.expires_at === null || input.expires_in === null) return null;
  if (input.expires_at !== undefined) return Date.parse(input.expires_at);
  const lifeMs = input.expires_in === undefined ? undefined : parseDurationMs(input.expires_in);
  return lifeMs === undefined ? undefined : clock.now() + lifeMs;
}
