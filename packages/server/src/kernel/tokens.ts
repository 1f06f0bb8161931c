/**
 * What one exchange used. The counters never overlap on the input side: `input` is what was neither read
 * from nor written to a cache. `reasoning` is the part of `output` that was reasoning (already included in it).
 */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** Written to a cache that lives five minutes (or of unstated life). */
  readonly cacheWrite: number;
  /** Written to a cache that lives one hour. */
  readonly cacheWrite1h: number;
  readonly reasoning: number;
  /** Absent where there was nothing but text. */
  readonly media?: MediaUsage;
}

/** What an exchange used besides text. */
export interface MediaUsage {
  /** Tokens of audio and of images; each a part of `input` or `output`. */
  readonly inputAudio: number;
  readonly outputAudio: number;
  readonly inputImage: number;
  readonly outputImage: number;
  /** Images made. */
  readonly images: number;
  /** Characters of text that were spoken. */
  readonly characters: number;
  /** Milliseconds of audio that were transcribed. */
  readonly audioMs: number;
  /** Search units, which is how rerankers count. */
  readonly searches: number;
}

export const noTokens: TokenUsage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWrite1h: 0,
  reasoning: 0,
};

export const noMedia: MediaUsage = {
  inputAudio: 0,
  outputAudio: 0,
  inputImage: 0,
  outputImage: 0,
  images: 0,
  characters: 0,
  audioMs: 0,
  searches: 0,
};

/** How far a row's counters can be trusted: said by the provider, worked out by us, or neither. */
export type UsageSource = "reported" | "estimated" | "unknown";
