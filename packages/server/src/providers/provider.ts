import type { DialectId } from "../dialects/index.ts";
import type { AuthScheme } from "./auth.ts";
import { defineQuirks, type Quirks, type QuirkSpec } from "./quirks.ts";
import { type MediaRules, usualMedia } from "./media.ts";
import { type RerankRules, usualRerank } from "./rerank.ts";

/** A provider that comes with the product: an address, the dialects it speaks there, and how it wants its key. */
export interface ProviderDefinition {
  /** What callers write before the slash in `provider/model`. */
  readonly id: string;
  readonly name: string;
  /** The address up to the first path of `dialects`. */
  readonly baseUrl: string;
  /** For each dialect the path, under `baseUrl`, that the dialect's own paths follow, version segment included. */
  readonly dialects: DialectPaths;
  /**
   * What requests in other dialects are translated to, if not `openai-chat` or, where that is not spoken, the first one: the
   * dialect in which the provider offers most.
   */
  readonly translateTo?: DialectId;
  readonly auth: AuthScheme;
  /** Where a dialect of it wants its key in another way than the rest. */
  readonly authByDialect: Readonly<Partial<Record<DialectId, AuthScheme>>>;
  /** Environment variables that may hold its key, in order of preference. */
  readonly env: readonly string[];
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly quirks: Quirks;
  readonly probe: ProbeRules;
  readonly rerank: RerankRules;
  readonly media: MediaRules;
  /** Runs on the user's own machine or network: plain http and private addresses are allowed, a key is optional. */
  readonly local: boolean;
}

export type DialectPaths = Readonly<Partial<Record<DialectId, string>>>;

/** What there is at a provider to test a key with. Paths are under `baseUrl`. */
export interface ProbeRules {
  /** Absent: `/models` after the path of the first dialect. `null`: there is no list of models. */
  readonly modelsPath?: string | null;
  /** A place that only a good key may read, where the list of models is missing or open to everyone. */
  readonly keyPath?: string;
  /** The list of models is open to everyone, and there is no better place to test a key. */
  readonly modelsArePublic?: boolean;
}

type Optional = "authByDialect" | "headers" | "probe" | "rerank" | "media" | "local";

/** Declares a provider, with the defaults of one that behaves as OpenAI or Anthropic does. */
export function defineProvider(
  spec: Omit<ProviderDefinition, Optional | "quirks"> &
    Partial<Pick<ProviderDefinition, Optional>> & { readonly quirks?: QuirkSpec },
): ProviderDefinition {
  const usual = { authByDialect: {}, headers: {}, probe: {}, rerank: usualRerank, media: usualMedia, local: false };
  return { ...usual, ...spec, quirks: defineQuirks(spec.quirks) };
}
