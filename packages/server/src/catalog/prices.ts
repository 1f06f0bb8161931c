import { costMicros, type CostItem, type Micros } from "../kernel/money.ts";
import type { MediaUsage, TokenUsage } from "../kernel/tokens.ts";

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
  /** Missing: tokens of audio and of images cost what other input and output costs. */
  readonly inputAudio?: Micros;
  readonly outputAudio?: Micros;
  readonly inputImage?: Micros;
  readonly outputImage?: Micros;
}

/** The whole price of a request whose prompt is longer than `aboveContextTokens`; nothing is inherited from the base price. */
export interface PriceTier extends TokenPrice {
  readonly aboveContextTokens: number;
}

/** Micro-dollars for what is sold by other units than tokens. */
export interface UnitPrice {
  readonly image?: Micros;
  readonly millionCharacters?: Micros;
  /** An hour and not a minute: vendors state either, and only this way both are whole numbers. */
  readonly audioHour?: Micros;
  readonly thousandSearches?: Micros;
}

export interface ModelPrice extends TokenPrice {
  readonly tiers?: readonly PriceTier[];
  readonly units?: UnitPrice;
}

export interface Cost {
  readonly micros: Micros;
  /** The tier that applied, by its threshold; absent if the base price did. */
  readonly aboveContextTokens?: number;
}

/**
 * What one request cost, rounded once, half up. The prompt (input, cache reads and cache writes together) chooses the
 * tier, and the tier's prices apply to all of the request. An unknown price gives `undefined`, never zero: that of the
 * model, or of a unit that was used. Images, speech and audio that were counted in tokens too need no price as units.
 */
export function costOf(tokens: TokenUsage, price: ModelPrice | undefined): Cost | undefined {
  if (price === undefined) return undefined;
  const tier = tierFor(tokens.input + tokens.cacheRead + tokens.cacheWrite + tokens.cacheWrite1h, price.tiers ?? []);
  const { media } = tokens;
  if (media !== undefined && !arePriced(media, tokens, price.units ?? {})) return undefined;
  const items = media === undefined ? textItems(tokens, tier ?? price) : mediaItems(tokens, media, tier ?? price);
  const micros = media === undefined ? costMicros(items) : costWithUnits(items, media, price.units ?? {});
  return tier === undefined ? { micros } : { micros, aboveContextTokens: tier.aboveContextTokens };
}

function textItems(tokens: TokenUsage, rate: TokenPrice): CostItem[] {
  const reasoning = Math.min(tokens.reasoning, tokens.output);
  return [
    { amount: tokens.input, perMillion: rate.input },
    { amount: tokens.cacheRead, perMillion: rate.cacheRead ?? rate.input },
    { amount: tokens.cacheWrite, perMillion: rate.cacheWrite ?? rate.input },
    { amount: tokens.cacheWrite1h, perMillion: rate.cacheWrite1h ?? 2 * rate.input },
    { amount: tokens.output - reasoning, perMillion: rate.output },
    { amount: reasoning, perMillion: rate.reasoning ?? rate.output },
  ];
}

/** Takes the tokens of audio and images out of the others. Of more such tokens than there are in all, the rest is not charged. */
function mediaItems(tokens: TokenUsage, media: MediaUsage, rate: TokenPrice): CostItem[] {
  const reasoning = Math.min(tokens.reasoning, tokens.output);
  const input = split(tokens.input, media.inputAudio, media.inputImage);
  const output = split(tokens.output - reasoning, media.outputAudio, media.outputImage);
  return [
    ...textItems({ ...tokens, input: input.text, output: output.text + reasoning }, rate),
    { amount: input.audio, perMillion: rate.inputAudio ?? rate.input },
    { amount: input.image, perMillion: rate.inputImage ?? rate.input },
    { amount: output.audio, perMillion: rate.outputAudio ?? rate.output },
    { amount: output.image, perMillion: rate.outputImage ?? rate.output },
  ];
}

function split(all: number, statedAudio: number, statedImage: number) {
  const audio = Math.min(statedAudio, all);
  const image = Math.min(statedImage, all - audio);
  return { text: all - audio - image, audio, image };
}

/** A search is never counted in tokens. */
function arePriced(media: MediaUsage, tokens: TokenUsage, units: UnitPrice): boolean {
  if (media.searches > 0 && units.thousandSearches === undefined) return false;
  if (tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite + tokens.cacheWrite1h > 0) return true;
  return (
    (media.images === 0 || units.image !== undefined) &&
    (media.characters === 0 || units.millionCharacters !== undefined) &&
    (media.audioMs === 0 || units.audioHour !== undefined)
  );
}

/** All is added up in eighteenths of the smallest part, since an hour has 3.6 × 10⁶ milliseconds: 10⁶ × 18 = 3.6 × 10⁶ × 5. */
function costWithUnits(items: readonly CostItem[], media: MediaUsage, units: UnitPrice): Micros {
  const inEighteenths = [
    ...items,
    { amount: media.images, perMillion: 1_000_000 * (units.image ?? 0) },
    { amount: media.characters, perMillion: units.millionCharacters ?? 0 },
    { amount: media.searches, perMillion: 1_000 * (units.thousandSearches ?? 0) },
  ].map(({ amount, perMillion }) => ({ amount, perMillion: 18 * perMillion }));
  return costMicros([...inEighteenths, { amount: media.audioMs, perMillion: 5 * (units.audioHour ?? 0) }], 18);
}

function tierFor(promptTokens: number, tiers: readonly PriceTier[]): PriceTier | undefined {
  let found: PriceTier | undefined;
  for (const tier of tiers) {
    if (promptTokens <= tier.aboveContextTokens) continue;
    if (found === undefined || tier.aboveContextTokens > found.aboveContextTokens) found = tier;
  }
  return found;
}

/** A price as it lies in the data files, in the database, in the configuration and in the admin API. */
export interface TokenPriceJson {
  readonly input: Micros;
  readonly output: Micros;
  readonly cache_read?: Micros | undefined;
  readonly cache_write?: Micros | undefined;
  readonly cache_write_1h?: Micros | undefined;
  readonly reasoning?: Micros | undefined;
  readonly input_audio?: Micros | undefined;
  readonly output_audio?: Micros | undefined;
  readonly input_image?: Micros | undefined;
  readonly output_image?: Micros | undefined;
}

export interface UnitPriceJson {
  readonly image?: Micros | undefined;
  readonly million_characters?: Micros | undefined;
  readonly audio_hour?: Micros | undefined;
  readonly thousand_searches?: Micros | undefined;
}

export interface PriceJson extends TokenPriceJson {
  readonly tiers?: readonly (TokenPriceJson & { readonly above_context_tokens: number })[] | undefined;
  readonly units?: UnitPriceJson | undefined;
}

/**
 * A price from its two halves, of which either may be missing. What is sold by other units alone is not sold by tokens:
 * they cost nothing then.
 */
export function combinePrices(
  tokens: TokenPriceJson | undefined,
  units: UnitPriceJson | undefined,
): ModelPrice | undefined {
  if (tokens === undefined && units === undefined) return undefined;
  return decodePrice({ ...(tokens ?? { input: 0, output: 0 }), units });
}

export function decodePrice({ tiers, units, ...rates }: PriceJson): ModelPrice {
  return {
    ...decodeRates(rates),
    ...(tiers !== undefined && {
      tiers: tiers.map(({ above_context_tokens, ...tier }) => ({
        ...decodeRates(tier),
        aboveContextTokens: above_context_tokens,
      })),
    }),
    ...(units !== undefined && { units: renamed({ ...units }, decodedNames) }),
  };
}

export function encodePrice({ tiers, units, ...rates }: ModelPrice): PriceJson {
  return {
    ...encodeRates(rates),
    ...(tiers !== undefined && {
      tiers: tiers.map(({ aboveContextTokens, ...tier }) => ({
        above_context_tokens: aboveContextTokens,
        ...encodeRates(tier),
      })),
    }),
    ...(units !== undefined && { units: renamed({ ...units }, encodedNames) }),
  };
}

type Names = Readonly<Record<string, string>>;

const encodedNames: Names = {
  cacheRead: "cache_read",
  cacheWrite: "cache_write",
  cacheWrite1h: "cache_write_1h",
  reasoning: "reasoning",
  inputAudio: "input_audio",
  outputAudio: "output_audio",
  inputImage: "input_image",
  outputImage: "output_image",
  image: "image",
  millionCharacters: "million_characters",
  audioHour: "audio_hour",
  thousandSearches: "thousand_searches",
};
const decodedNames: Names = Object.fromEntries(Object.entries(encodedNames).map(([name, json]) => [json, name]));

function decodeRates({ input, output, ...others }: TokenPriceJson): TokenPrice {
  return { input, output, ...renamed(others, decodedNames) };
}

function encodeRates({ input, output, ...others }: TokenPrice): TokenPriceJson {
  return { input, output, ...renamed(others, encodedNames) };
}

/** The prices that are known, under their other names. */
function renamed(prices: Readonly<Record<string, Micros | undefined>>, names: Names): Record<string, Micros> {
  const known: Record<string, Micros> = {};
  for (const [name, value] of Object.entries(prices)) {
    const other = names[name];
    if (value !== undefined && other !== undefined) known[other] = value;
  }
  return known;
}
