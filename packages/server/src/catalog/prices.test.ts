import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { noTokens, type TokenUsage } from "../kernel/tokens.ts";
import { findModel } from "./models.ts";
import { costOf, decodePrice, encodePrice, type ModelPrice } from "./prices.ts";

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
    },
    { requiredKeys: ["input", "output"], noNullPrototype: true },
  );
  const tier = fc
    .tuple(rates, fc.nat(10 ** 7))
    .map(([price, aboveContextTokens]) => ({ ...price, aboveContextTokens }));
  const prices = fc
    .tuple(rates, fc.option(fc.array(tier, { minLength: 1, maxLength: 3 }), { nil: undefined }))
    .map(([price, tiers]): ModelPrice => (tiers === undefined ? price : { ...price, tiers }));
  fc.assert(
    fc.property(prices, (price) =>
      assert.deepEqual(decodePrice(JSON.parse(JSON.stringify(encodePrice(price)))), price),
    ),
  );
});
