import type { DialectId } from "../dialects/index.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Secret } from "../kernel/secret.ts";
import { authHeaders } from "./auth.ts";
import { authFor, dialectsOf, type Provider } from "./live-provider.ts";
import { isModelId } from "./names.ts";
import { explainFailure, explainStatus, isWebPage } from "./probe-failure.ts";

/** Fetches a small document whole: one GET, no redirects. It rejects if there was no complete answer. */
export type HttpGet = (
  url: string,
  headers: Readonly<Record<string, string>>,
  limits: {
    /** For messages. */
    readonly provider: string;
    readonly allowPrivate: boolean;
    readonly timeoutMs: number;
    readonly maxBytes: number;
  },
) => Promise<{
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}>;

/** `error` is in the user's words, with nothing in it that the provider wrote, and never the key. */
export type FetchedModels =
  | { readonly ok: true; readonly models: readonly string[] }
  | { readonly ok: false; readonly error: string; readonly status?: number };

export interface ProbeResult {
  readonly ok: boolean;
  /** Whole milliseconds until the first answer, or until there was none. */
  readonly latencyMs: number;
  /** The ids of the models that the provider lists, sorted. */
  readonly models: readonly string[];
  /** False where the provider answers the same without a key, so that `ok` says nothing about the key. */
  readonly keyChecked: boolean;
  /** As in `FetchedModels`. */
  readonly error?: string;
  /** Of an answer that was an error. */
  readonly status?: number;
}

const limits = { timeoutMs: 15_000, maxBytes: 4 * 1024 * 1024 };
const mostModels = 10_000;

/** Asks the provider for what needs the key and costs nothing. That it fails is a result, not an exception. */
export async function testProvider(
  provider: Provider,
  key: Secret | undefined,
  { httpGet, clock }: { readonly httpGet: HttpGet; readonly clock: Clock },
): Promise<ProbeResult> {
  const { keyPath, modelsArePublic = false } = provider.probe;
  const keyChecked = key !== undefined && (keyPath !== undefined || !modelsArePublic);
  const startedAt = clock.monotonic();
  if (keyPath === undefined) {
    const result = await fetchModels(provider, key, httpGet);
    return { models: [], ...result, latencyMs: Math.round(clock.monotonic() - startedAt), keyChecked };
  }
  const answer = await getJson(provider, provider.baseUrl + keyPath, key, httpGet);
  const latencyMs = Math.round(clock.monotonic() - startedAt);
  const result = answer.ok ? await fetchModels(provider, key, httpGet) : answer;
  return { models: [], ...result, latencyMs, keyChecked };
}

/** The ids of the models that the provider lists, sorted; none for a provider that has no list. */
export async function fetchModels(
  provider: Provider,
  key: Secret | undefined,
  httpGet: HttpGet,
): Promise<FetchedModels> {
  const url = modelsUrl(provider);
  if (url === undefined) return { ok: true, models: [] };
  const answer = await getJson(provider, url, key, httpGet);
  if (!answer.ok) return answer;
  const models = parseModels(answer.value);
  if (models === undefined)
    return { ok: false, error: `what ${provider.name} answered at ${url} is not a list of models` };
  return { ok: true, models: [...new Set(models)].toSorted().slice(0, mostModels) };
}

/** Where the list is not at `/models`, or comes in pages unless all of it is asked for at once. */
const modelLists: Readonly<Partial<Record<DialectId, string>>> = {
  "anthropic-messages": "/models?limit=1000",
  gemini: "/models?pageSize=1000",
  ollama: "/tags",
};

function modelsUrl(provider: Provider): string | undefined {
  const path = provider.probe.modelsPath;
  if (path === null) return undefined;
  if (path !== undefined) return provider.baseUrl + path;
  const [dialect = "openai-chat"] = dialectsOf(provider);
  return `${provider.endpoints[dialect]}${modelLists[dialect] ?? "/models"}`;
}

type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: string; readonly status?: number };

async function getJson(provider: Provider, url: string, key: Secret | undefined, httpGet: HttpGet): Promise<Answer> {
  const headers: Record<string, string> = { accept: "application/json", ...provider.headers };
  if (provider.endpoints["anthropic-messages"] !== undefined) headers["anthropic-version"] = "2023-06-01";
  try {
    const request = { ...limits, provider: provider.name, allowPrivate: provider.allowPrivate };
    const auth = authFor(provider, dialectsOf(provider)[0] ?? "openai-chat");
    const reply = await httpGet(url, { ...headers, ...authHeaders(auth, key) }, request);
    if (isWebPage(reply))
      return { ok: false, error: `${url} answered with a web page, not an API; check the base URL` };
    const error = explainStatus(reply.status, provider.name, url, key !== undefined);
    return error === undefined ? parseJson(reply.body, url) : { ok: false, error, status: reply.status };
  } catch (error) {
    const explanation = explainFailure(error, provider.name, url);
    if (explanation === undefined) throw error;
    return { ok: false, error: explanation };
  }
}

function parseJson(body: Buffer, url: string): Answer {
  try {
    return { ok: true, value: JSON.parse(body.toString("utf8")) };
  } catch {
    return { ok: false, error: `what ${url} answered is not JSON; check the base URL` };
  }
}

/** `{data: [{id}]}`; Together: `[{id}]`; Cohere: `{models: [{name}]}`; Ollama too; Google writes `models/` before each id; AUTOMATIC1111: `[{model_name}]`. */
function parseModels(value: unknown): readonly string[] | undefined {
  const list = Array.isArray(value) ? value : (field(value, "data") ?? field(value, "models"));
  if (!Array.isArray(list)) return undefined;
  return list.flatMap((entry: unknown) => {
    const id = field(entry, "id") ?? field(entry, "name") ?? field(entry, "model_name");
    if (typeof id !== "string") return [];
    const bare = id.replace(/^models\//, "");
    return isModelId(bare) ? [bare] : [];
  });
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
