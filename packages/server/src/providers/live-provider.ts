import type { DialectId } from "../dialects/index.ts";
import { customBaseUrl, customPath, originOf, parseAddress, withoutEnding } from "./address.ts";
import { bearer, header, type AuthScheme } from "./auth.ts";
import type { ProbeRules, ProviderDefinition } from "./provider.ts";
import { type Quirks, quirksAt } from "./quirks.ts";
import { type MediaRules, usualMedia } from "./media.ts";
import { type Reranker, rerankerAt, rerankerOf } from "./rerank.ts";

/** A provider as it is in force now: our definition, what was changed of it, or one that the user made. */
export interface Provider {
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Without the version segment, as the admin API shows and takes it. */
  readonly baseUrl: string;
  /** Where keys are sealed to and sent: `https://api.groq.com:443`. */
  readonly origin: string;
  /**
   * For each dialect the address that its paths follow, version segment included: `https://api.groq.com/openai/v1` is
   * followed by `/chat/completions`.
   */
  readonly endpoints: Readonly<Partial<Record<DialectId, string>>>;
  /** What requests in a dialect that it does not take are translated to; one of `endpoints`. */
  readonly translateTo: DialectId;
  readonly auth: AuthScheme;
  readonly authByDialect: Readonly<Partial<Record<DialectId, AuthScheme>>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly quirks: Quirks;
  readonly probe: ProbeRules;
  readonly rerank: Reranker;
  readonly media: MediaRules;
  /** Variables whose value may be sent to this provider; none once its address was changed at run time. */
  readonly env: readonly string[];
  readonly allowPrivate: boolean;
  /** Whether a request without a key makes sense; it does for engines on the user's own network. */
  readonly needsKey: boolean;
  /** Made by the user; can be removed. */
  readonly custom: boolean;
  /** The file that declares it; then it is read-only at run time. */
  readonly declaredIn: string | undefined;
  /** Milliseconds; `undefined` unless it was made or changed at run time. */
  readonly createdAt: number | undefined;
  readonly updatedAt: number | undefined;
}

export function dialectsOf(provider: Provider): readonly DialectId[] {
  return Object.keys(provider.endpoints) as DialectId[];
}

/** Chat is what most models and engines are known to understand. */
function translationDialect(spoken: readonly DialectId[], preferred: DialectId = "openai-chat"): DialectId {
  return spoken.includes(preferred) ? preferred : (spoken[0] ?? preferred);
}

/** How it wants its key where a dialect of it is called. */
export function authFor(provider: Provider, dialect: DialectId): AuthScheme {
  return provider.authByDialect[dialect] ?? provider.auth;
}

/** What is set of a provider beyond its definition, wherever that lies. */
export interface Settings {
  readonly name: string;
  readonly baseUrl: string;
  readonly dialects: readonly DialectId[];
  readonly allowPrivate: boolean;
  readonly declaredIn: string | undefined;
  readonly createdAt: number | undefined;
  readonly updatedAt: number | undefined;
}

/** The base URL of a provider as it is kept, from what a person typed. Throws `invalid_request`. */
export function parseBaseUrl(
  text: string,
  shape: ProviderDefinition | { readonly dialects: readonly DialectId[] },
  allowPrivate: boolean,
): string {
  const address = parseAddress(text, allowPrivate);
  return "id" in shape ? withoutEnding(address, Object.values(shape.dialects)) : customBaseUrl(address, shape.dialects);
}

/** A predefined provider at its own address, or with what was changed of it. */
export function fromDefinition(definition: ProviderDefinition, changed?: Omit<Settings, "dialects">): Provider {
  const baseUrl = changed?.baseUrl ?? definition.baseUrl;
  const allowPrivate = changed?.allowPrivate ?? definition.local;
  // A key in the environment is meant for the vendor, or for what the operator's own file says; not for an address
  // that someone set through the API.
  const movedAtRunTime = baseUrl !== definition.baseUrl && changed?.declaredIn === undefined;
  const endpoints = Object.entries(definition.dialects).map(([dialect, path]) => [dialect, baseUrl + path]);
  return {
    id: definition.id,
    name: changed?.name ?? definition.name,
    baseUrl,
    origin: originOf(baseUrl),
    endpoints: Object.fromEntries(endpoints) as Provider["endpoints"],
    translateTo: translationDialect(Object.keys(definition.dialects) as DialectId[], definition.translateTo),
    auth: definition.auth,
    authByDialect: definition.authByDialect,
    headers: definition.headers,
    quirks: definition.quirks,
    probe: definition.probe,
    rerank: rerankerOf(definition.rerank, baseUrl),
    media: definition.media,
    env: movedAtRunTime ? [] : definition.env,
    allowPrivate,
    needsKey: !allowPrivate,
    custom: false,
    declaredIn: changed?.declaredIn,
    createdAt: changed?.createdAt,
    updatedAt: changed?.updatedAt,
  };
}

/** Where a dialect's own vendor wants a key, if not in a bearer's header. */
const vendorAuth: Provider["authByDialect"] = {
  "anthropic-messages": header("x-api-key"),
  gemini: header("x-goog-api-key"),
};

/** A provider of the user's own. Its key goes where the dialect's own vendor wants it. */
export function fromSettings(id: string, settings: Settings): Provider {
  const { baseUrl, dialects, ...same } = settings;
  const endpoints = dialects.map((dialect) => [dialect, baseUrl + customPath(baseUrl, dialect)]);
  return {
    ...same,
    id,
    baseUrl,
    origin: originOf(baseUrl),
    endpoints: Object.fromEntries(endpoints) as Provider["endpoints"],
    translateTo: translationDialect(dialects),
    auth: bearer(),
    authByDialect: vendorAuth,
    headers: {},
    quirks: quirksAt(baseUrl),
    probe: {},
    rerank: rerankerAt(baseUrl),
    media: usualMedia,
    env: [],
    needsKey: !settings.allowPrivate,
    custom: true,
  };
}
