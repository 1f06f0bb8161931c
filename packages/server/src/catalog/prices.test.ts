import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { noMedia, noTokens, type MediaUsage, type TokenUsage } from "../kernel/tokens.ts";
import { findModel } from "./models.ts";
import { combinePrices, costOf, decodePrice, encodePrice, type ModelPrice } from "./prices.ts";

const million = 1_000_000;
const dollars = (amount: number): number => Math.round(amount * million);

function used(tokens: Partial<TokenUsage>): TokenUsage {
  return { ...noTokens, ...tokens };
}

test("a request is charged for each kind of token at its own price", () => {
  const sonnet = findModel("anthropic", "claude-sonnet-4-6")?.price;
  const tokens = used({ input: 1_000, output: 2_000, cacheRead: 100_000, cacheWrite: 40_000, cacheWrite1h: 10_000 });
  // 1,000 × $3 + 100,000 × $0.30 + 40,000 × $3.75 + 10,000 × $6 + 2,000 × $15, per million
  assert.deepEqual(costOf(tokens, sonnet), { micros: dollars(0.003 + 0.03 + 0.15 + 0.06 + 0.03) });
});

test("above a tier's threshold the whole request costs the tier's price", () => {
  const gemini = findModel("google", "gemini-2.5-pro")?.price;
  const below = used({ input: 150_000, cacheRead: 50_000, output: 10_000 });
  assert.deepEqual(costOf(below, gemini), { micros: dollars(0.1875 + 0.00625 + 0.1) });
  const above = used({ input: 150_001, cacheRead: 50_000, output: 10_000 });
  // 150,001 × $2.50 + 50,000 × $0.25 + 10,000 × $15, per million; 37.5 cents and two and a half micro-dollars
  assert.deepEqual(costOf(above, gemini), { micros: 375_003 + 12_500 + 150_000, aboveContextTokens: 200_000 });
});

test("what is written to a cache counts towards the tier, whatever its life", () => {
  const price: ModelPrice = {
    input: 1,
    output: 1,
    tiers: [{ aboveContextTokens: 10, input: million, output: million }],
  };
  assert.equal(costOf(used({ cacheWrite: 10 }), price)?.aboveContextTokens, undefined);
  assert.equal(costOf(used({ cacheWrite: 6, cacheWrite1h: 5 }), price)?.aboveContextTokens, 10);
  assert.equal(costOf(used({ output: 500 }), price)?.aboveContextTokens, undefined);
});

test("of several tiers the highest that is passed applies, in whatever order they stand", () => {
  const tier = (aboveContextTokens: number, input: number) => ({ aboveContextTokens, input, output: 0 });
  const price: ModelPrice = {
    input: 0,
    output: 0,
    tiers: [tier(300, 3 * million), tier(100, million), tier(200, 2 * million)],
  };
  const cost = (input: number) => costOf(used({ input }), price)?.micros;
  assert.deepEqual([100, 101, 201, 301].map(cost), [0, 101, 402, 903]);
});

test("where a cache price is missing the input price stands in, and twice of it for one hour", () => {
  const price: ModelPrice = { input: 2 * million, output: 10 * million };
  assert.equal(costOf(used({ cacheRead: 5 }), price)?.micros, 10);
  assert.equal(costOf(used({ cacheWrite: 5 }), price)?.micros, 10);
  assert.equal(costOf(used({ cacheWrite1h: 5 }), price)?.micros, 20);
});

test("a cache price of zero is a price", () => {
  assert.equal(costOf(used({ cacheRead: 5 }), { input: million, output: 0, cacheRead: 0 })?.micros, 0);
});

test("reasoning is part of the output unless it has a price of its own", () => {
  const tokens = used({ output: 100, reasoning: 40 });
  assert.equal(costOf(tokens, { input: 0, output: 2 * million })?.micros, 200);
  assert.equal(costOf(tokens, { input: 0, output: 2 * million, reasoning: 10 * million })?.micros, 120 + 400);
});

test("a provider that reports more reasoning than output is not paid for it twice", () => {
  const tokens = used({ output: 100, reasoning: 140 });
  assert.equal(costOf(tokens, { input: 0, output: 2 * million, reasoning: 3 * million })?.micros, 300);
});

test("an unknown price is unknown, not free", () => {
  assert.equal(costOf(used({ input: 1000 }), undefined), undefined);
  assert.equal(findModel("groq", "whisper-large-v3")?.price, undefined);
});

test("the sum is exact and rounded once, at any size", () => {
  const amounts = fc.record({
    input: fc.nat(2 ** 40),
    output: fc.nat(2 ** 40),
    cacheRead: fc.nat(2 ** 40),
    cacheWrite: fc.nat(2 ** 40),
    cacheWrite1h: fc.nat(2 ** 40),
  });
  const price: ModelPrice = {
    input: 3_000_001,
    output: 15_000_007,
    cacheRead: 1,
    cacheWrite: 3_750_000,
    cacheWrite1h: 7,
  };
  fc.assert(
    fc.property(amounts, (tokens) => {
      const exact =
        BigInt(tokens.input) * 3_000_001n +
        BigInt(tokens.output) * 15_000_007n +
        BigInt(tokens.cacheRead) +
        BigInt(tokens.cacheWrite) * 3_750_000n +
        BigInt(tokens.cacheWrite1h) * 7n;
      const micros = costOf(used(tokens), price)?.micros;
      assert.equal(micros, Number((exact + 500_000n) / 1_000_000n));
    }),
  );
});

function usedMedia(media: Partial<MediaUsage>, tokens: Partial<TokenUsage> = {}): TokenUsage {
  return { ...noTokens, ...tokens, media: { ...noMedia, ...media } };
}

test("tokens of audio and images are charged at their own price, in place of the others'", () => {
  const price: ModelPrice = {
    input: million,
    output: 2 * million,
    inputAudio: 10 * million,
    outputAudio: 20 * million,
    inputImage: 100 * million,
    outputImage: 200 * million,
  };
  const media = { inputAudio: 2, inputImage: 3, outputAudio: 4, outputImage: 5 };
  const tokens = usedMedia(media, { input: 10, output: 20, reasoning: 6 });
  assert.equal(costOf(tokens, price)?.micros, 5 + 20 + 300 + (5 + 6) * 2 + 80 + 1_000);
});

test("tokens of audio and images without a price of their own cost what the others do", () => {
  const media = { inputAudio: 2, inputImage: 3, outputAudio: 4, outputImage: 5 };
  const price: ModelPrice = { input: million, output: 2 * million };
  assert.equal(costOf(usedMedia(media, { input: 10, output: 20 }), price)?.micros, 50);
});

test("a provider that reports more tokens of media than tokens is not paid for them twice", () => {
  const price: ModelPrice = { input: million, output: million, inputAudio: 2 * million, outputImage: 2 * million };
  const tokens = usedMedia({ inputAudio: 50, inputImage: 50, outputImage: 9 }, { input: 10, output: 10, reasoning: 4 });
  assert.equal(costOf(tokens, price)?.micros, 20 + 4 + 12);
});

test("what is sold by the image, character, hour or search is charged so", () => {
  const cost = (media: Partial<MediaUsage>, units: NonNullable<ModelPrice["units"]>) =>
    costOf(usedMedia(media), { input: 0, output: 0, units })?.micros;
  assert.equal(cost({ images: 3 }, { image: 40_000 }), 120_000);
  assert.equal(cost({ characters: 2_000 }, { millionCharacters: 15 * million }), 30_000);
  assert.equal(cost({ audioMs: 90_000 }, { audioHour: 360_000 }), 9_000);
  assert.equal(cost({ audioMs: 1 }, { audioHour: 1_800_000 }), 1, "half a micro-dollar is rounded up");
  assert.equal(cost({ searches: 1 }, { thousandSearches: 2 * million }), 2_000);
});

test("a unit that was used and has no price makes the cost unknown, not zero", () => {
  const free: ModelPrice = { input: 0, output: 0 };
  const unpriced = [{ images: 1 }, { characters: 1 }, { audioMs: 1 }, { searches: 1 }];
  for (const media of unpriced) assert.equal(costOf(usedMedia(media), free), undefined, JSON.stringify(media));
  const other: ModelPrice = { ...free, units: { image: 1 } };
  assert.equal(costOf(usedMedia({ images: 1, characters: 1 }), other), undefined);
  assert.equal(costOf(usedMedia({}), free)?.micros, 0);
});

test("what was counted in tokens needs no price by the unit; a search always does", () => {
  const price: ModelPrice = { input: million, output: million };
  assert.equal(costOf(usedMedia({ images: 1, outputImage: 7 }, { output: 7 }), price)?.micros, 7);
  assert.equal(costOf(usedMedia({ audioMs: 500 }, { input: 7 }), price)?.micros, 7);
  assert.equal(costOf(usedMedia({ searches: 1 }, { input: 7 }), price), undefined);
});

test("tokens and units together are added up exactly and rounded once, at any size", () => {
  const amounts = fc.record({
    input: fc.nat(2 ** 40),
    inputAudio: fc.nat(2 ** 40),
    images: fc.nat(2 ** 20),
    characters: fc.nat(2 ** 40),
    audioMs: fc.nat(2 ** 40),
    searches: fc.nat(2 ** 20),
  });
  const units = { image: 40_001, millionCharacters: 15_000_007, audioHour: 111_003, thousandSearches: 2_000_003 };
  const price: ModelPrice = { input: 3_000_001, output: 0, inputAudio: 7, units };
  const hour = 3_600_000n;
  fc.assert(
    fc.property(amounts, ({ input, ...media }) => {
      const audio = BigInt(Math.min(media.inputAudio, input));
      const tokens = (BigInt(input) - audio) * 3_000_001n + audio * 7n;
      // In parts of 10⁶ × 3.6 × 10⁶ to the micro-dollar, so that nothing is rounded before the end.
      const exact =
        (tokens + BigInt(media.characters) * 15_000_007n) * hour +
        BigInt(media.images) * 40_001n * 1_000_000n * hour +
        BigInt(media.searches) * 2_000_003n * 1_000n * hour +
        BigInt(media.audioMs) * 111_003n * 1_000_000n;
      const part = 1_000_000n * hour;
      assert.equal(costOf(usedMedia(media, { input }), price)?.micros, Number((exact + part / 2n) / part));
    }),
  );
});

test("a price by units alone leaves tokens free; no price at all is unknown", () => {
  assert.deepEqual(combinePrices(undefined, { audio_hour: 5 }), { input: 0, output: 0, units: { audioHour: 5 } });
  assert.deepEqual(combinePrices({ input: 1, output: 2 }, undefined), { input: 1, output: 2 });
  assert.equal(combinePrices(undefined, undefined), undefined);
});

test("a price survives being written and read again", () => {
  const rate = fc.nat(10 ** 9);
  const rates = fc.record(
    {
      input: rate,
      output: rate,
      cacheRead: rate,
      cacheWrite: rate,
      cacheWrite1h: rate,
      reasoning: rate,
      inputAudio: rate,
      outputAudio: rate,
      inputImage: rate,
      outputImage: rate,
    },
    { requiredKeys: ["input", "output"], noNullPrototype: true },
  );
  const units = fc.record(
    { image: rate, millionCharacters: rate, audioHour: rate, thousandSearches: rate },
    { requiredKeys: [], noNullPrototype: true },
  );
  const tier = fc
    .tuple(rates, fc.nat(10 ** 7))
    .map(([price, aboveContextTokens]) => ({ ...price, aboveContextTokens }));
  const prices = fc.tuple(rates, fc.option(fc.array(tier, { minLength: 1, maxLength: 3 })), fc.option(units)).map(
    ([price, tiers, byUnit]): ModelPrice => ({
      ...price,
      ...(tiers !== null && { tiers }),
      ...(byUnit !== null && { units: byUnit }),
    }),
  );
  fc.assert(
    fc.property(prices, (price) =>
      assert.deepEqual(decodePrice(JSON.parse(JSON.stringify(encodePrice(price)))), price),
    ),
  );
});
