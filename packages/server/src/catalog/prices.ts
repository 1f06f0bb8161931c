import { costMicros, type Micros } from "../kernel/money.ts";
import type { TokenUsage } from "../kernel/tokens.ts";

/** Micro-dollars per million tokens. */
export interface TokenPrice {
  readonly input: Micros;
  readonly output: Micros;
  /** Missing: what is read from a cache costs what input costs. */
  readonly cacheRead?: Micros;
  /** Written to a cache of five minutes or of unstated life. Missing: it costs what input costs. */
  readonly cacheWrite?: Micros;
  /** Written to a cache of one hour. Missing: twice the input price, as all who resell this Anthropic feature charge it. */
  readonly cacheWrite1h?: Micros;
  /** Missing: reasoning costs what other output costs. */
  readonly reasoning?: Micros;
  /** Audio is counted among input and output by every provider; these prices are shown, not charged. */
  readonly inputAudio?: Micros;
  readonly outputAudio?: Micros;
}

/** The whole price of a request whose prompt is longer than `aboveContextTokens`; nothing is inherited from the base price. */
export interface PriceTier extends TokenPrice {
  readonly aboveContextTokens: number;
}

export interface ModelPrice extends TokenPrice {
  readonly tiers?: readonly PriceTier[];
}

export interface Cost {
  readonly micros: Micros;
  /** The tier that applied, by its threshold; absent if the base price did. */
  readonly aboveContextTokens?: number;
}

/**
 * What one request cost, rounded once, half up. The prompt (input, cache reads and cache writes together) chooses the
 * tier, and the tier's prices apply to all of the request. An unknown price gives `undefined`, never zero.
 */
export function costOf(tokens: TokenUsage, price: ModelPrice | undefined): Cost | undefined {
  if (price === undefined) return undefined;
  const tier = tierFor(tokens.input + tokens.cacheRead + tokens.cacheWrite + tokens.cacheWrite1h, price.tiers ?? []);
  const rate: TokenPrice = tier ?? price;
  const reasoning = Math.min(tokens.reasoning, tokens.output);
  const micros = costMicros([
    { amount: tokens.input, perMillion: rate.input },
    { amount: tokens.cacheRead, perMillion: rate.cacheRead ?? rate.input },
    { amount: tokens.cacheWrite, perMillion: rate.cacheWrite ?? rate.input },
    { amount: tokens.cacheWrite1h, perMillion: rate.cacheWrite1h ?? 2 * rate.input },
    { amount: tokens.output - reasoning, perMillion: rate.output },
    { amount: reasoning, perMillion: rate.reasoning ?? rate.output },
  ]);
  return tier === undefined ? { micros } : { micros, aboveContextTokens: tier.aboveContextTokens };
}

function tierFor(promptTokens: number, tiers: readonly PriceTier[]): PriceTier | undefined {
  let found: PriceTier | undefined;
  for (const tier of tiers) {
    if (promptTokens <= tier.aboveContextTokens) continue;
    if (found === undefined || tier.aboveContextTokens > found.aboveContextTokens) found = tier;
  }
  return found;
}

/** A price as it lies in the data files, in the database and in the admin API. */
export interface TokenPriceJson {
  readonly input: Micros;
  readonly output: Micros;
  readonly cache_read?: Micros | undefined;
  readonly cache_write?: Micros | undefined;
  readonly cache_write_1h?: Micros | undefined;
  readonly reasoning?: Micros | undefined;
  readonly input_audio?: Micros | undefined;
  readonly output_audio?: Micros | undefined;
}

export interface PriceJson extends TokenPriceJson {
  readonly tiers?: readonly (TokenPriceJson & { readonly above_context_tokens: number })[] | undefined;
}

export function decodePrice(json: PriceJson): ModelPrice {
  if (json.tiers === undefined) return decodeRates(json);
  const tiers = json.tiers.map((tier) => ({ ...decodeRates(tier), aboveContextTokens: tier.above_context_tokens }));
  return { ...decodeRates(json), tiers };
}

export function encodePrice(price: ModelPrice): PriceJson {
  if (price.tiers === undefined) return encodeRates(price);
  const tiers = price.tiers.map((tier) => ({ above_context_tokens: tier.aboveContextTokens, ...encodeRates(tier) }));
  return { ...encodeRates(price), tiers };
}

function decodeRates(json: TokenPriceJson): TokenPrice {
  return {
    input: json.input,
    output: json.output,
    ...(json.cache_read !== undefined && { cacheRead: json.cache_read }),
    ...(json.cache_write !== undefined && { cacheWrite: json.cache_write }),
    ...(json.cache_write_1h !== undefined && { cacheWrite1h: json.cache_write_1h }),
    ...(json.reasoning !== undefined && { reasoning: json.reasoning }),
    ...(json.input_audio !== undefined && { inputAudio: json.input_audio }),
    ...(json.output_audio !== undefined && { outputAudio: json.output_audio }),
  };
}

function encodeRates(price: TokenPrice): TokenPriceJson {
  return {
    input: price.input,
    output: price.output,
    ...(price.cacheRead !== undefined && { cache_read: price.cacheRead }),
    ...(price.cacheWrite !== undefined && { cache_write: price.cacheWrite }),
    ...(price.cacheWrite1h !== undefined && { cache_write_1h: price.cacheWrite1h }),
    ...(price.reasoning !== undefined && { reasoning: price.reasoning }),
    ...(price.inputAudio !== undefined && { input_audio: price.inputAudio }),
    ...(price.outputAudio !== undefined && { output_audio: price.outputAudio }),
  };
}
