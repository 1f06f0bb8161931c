import type { endpoints, HandlersOf } from "@portcullis/contract";
import { isoTime } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { testProvider, type CredentialRecord, type ProbeResult, type Provider } from "../../providers/index.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";
import { mayReveal, revealValue } from "../reveal.ts";
import { openKey } from "../stored-key.ts";

/*
 * The secrets daemon's addresses. Its clients know one key for each provider; here a provider may have several. The one
 * they see is that with the label they give (`metadata.label`), else the one called `default`, else the first. What they
 * store takes that one's place, if there is one, and leaves the others as they are.
 */
export function daemonHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["daemon"], Call> {
  const { providers } = parts;
  const { credentials } = providers;

  const list = async () => ({ providers: providers.list().map((provider) => describeProvider(provider, parts)) });

  const test = async (id: string, given: string | undefined) => {
    const provider = providers.require(id);
    const key = given === undefined ? await openKey(provider, parts) : new Secret(given);
    if (key === undefined && provider.needsKey) return describeTest(undefined, provider);
    return describeTest(await testProvider(provider, key, parts), provider);
  };

  const remove = async (id: string) => {
    if (storedOf(id, parts).length === 0) throw new AppError("not_found", { what: "stored key of", id });
    await credentials.removeAll(id);
    return { message: `the key of ${id} was deleted` };
  };

  return {
    providers: list,
    listProviders: list,
    test: ({ params, input }) => test(params.id, input.api_key),
    testStored: ({ params }) => test(params.id, undefined),
    store: ({ params, input, query }) =>
      storeKey(params.provider, input, query.validate !== "false" && query.validate !== "0", parts),
    storeUntested: ({ params, input }) => storeKey(params.id, input, false, parts),
    show: ({ params }, call) => showKey(params.provider, call, parts),
    remove: ({ params }) => remove(params.provider),
    removeOf: ({ params }) => remove(params.id),
  };
}

interface Given {
  readonly api_key: string;
  readonly metadata?: { readonly label?: string | undefined } | null | undefined;
}

async function storeKey(id: string, input: Given, test: boolean, parts: AdminParts) {
  const provider = parts.providers.require(id);
  const { credentials } = parts.providers;
  const value = new Secret(input.api_key);
  const result = test ? await testProvider(provider, value, parts) : undefined;
  if (result?.ok === false) throw new AppError("provider_test_failed", { problem: result.error ?? "" });
  const stored = await putInPlace(provider, value, input.metadata?.label, parts);
  const record = result === undefined ? stored : await credentials.recordTest(stored.id, result);
  return {
    message: `the key of ${provider.id} was stored`,
    id: record.id,
    provider: provider.id,
    masked_key: masked(record),
    metadata: { label: record.label },
  };
}

/** In the place of the key that this client sees, or beside the others if that is none of theirs. */
async function putInPlace(
  provider: Provider,
  value: Secret,
  label: string | undefined,
  parts: AdminParts,
): Promise<CredentialRecord> {
  const { credentials } = parts.providers;
  const stored = storedOf(provider.id, parts);
  const present = label === undefined ? seenOf(stored) : stored.find((record) => record.label === label);
  if (present === undefined) return credentials.add(provider.id, value, { label });
  const rotated = await credentials.rotate(present.id, value);
  return rotated.status === "disabled" ? credentials.enable(rotated.id) : rotated;
}

async function showKey(id: string, call: Call, parts: AdminParts) {
  const { providers } = parts;
  const provider = providers.require(id);
  const record = seenOf(storedOf(id, parts)) ?? providers.credentials.list(id)[0];
  if (record === undefined) throw new AppError("not_found", { what: "key of", id });
  const open = () => providers.credentials.open(record, provider.origin);
  const what = { action: "credentials.revealed", target: record.id } as const;
  return {
    id: record.id,
    provider: id,
    masked_key: masked(record),
    api_key: mayReveal(parts, call) ? await revealValue(parts, call, what, open) : null,
    metadata: {
      label: record.label,
      created_at: isoTime(record.createdAt),
      updated_at: isoTime(record.updatedAt),
      last_tested: timeOrNull(record.testedAt),
      test_ok: record.testOk,
    },
  };
}

function storedOf(id: string, { providers }: AdminParts): readonly CredentialRecord[] {
  return providers.credentials.list(id).filter((record) => record.source === "stored");
}

function seenOf(stored: readonly CredentialRecord[]): CredentialRecord | undefined {
  return stored.find((record) => record.label === "default") ?? stored[0];
}

/** How long a key is does not show. */
function masked({ lastFour }: CredentialRecord): string {
  return `********${lastFour}`;
}

function describeProvider(provider: Provider, { providers: { credentials } }: AdminParts) {
  const tests = credentials.list(provider.id).flatMap(({ testedAt }) => (testedAt === null ? [] : [testedAt]));
  return {
    id: provider.id,
    name: provider.name,
    base_url: provider.baseUrl,
    has_key: credentials.hasUsable(provider.id),
    last_tested: timeOrNull(tests.length === 0 ? null : Math.max(...tests)),
  };
}

/** `undefined`: there is no key to test with. */
function describeTest(result: ProbeResult | undefined, provider: Provider) {
  if (result === undefined) {
    const error_message = `there is no key stored for ${provider.id}`;
    return { success: false, error_message, latency_ms: null, provider_status: null };
  }
  const { ok: success, latencyMs: latency_ms, models, error = null } = result;
  return success
    ? { success, error_message: null, latency_ms, provider_status: `OK, ${models.length} models` }
    : { success, error_message: error, latency_ms, provider_status: null };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
