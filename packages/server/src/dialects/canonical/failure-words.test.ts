import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf, failureWords, kindOfStatus, kindOfWords } from "./failure-words.ts";

/** As vendors and engines say it. */
const tooLong: readonly (readonly [string, { readonly asked: number; readonly most: number } | undefined])[] = [
  ["prompt is too long: 250000 tokens > 200000 maximum", { asked: 250_000, most: 200_000 }],
  [
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130,512 tokens. Please reduce the length of the messages.",
    { asked: 130_512, most: 128_000 },
  ],
  ["Your input exceeds the context window of this model. Please adjust your input and try again.", undefined],
  [
    "The input token count (1048600) exceeds the maximum number of tokens allowed (1048576).",
    { asked: 1_048_600, most: 1_048_576 },
  ],
  ["input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", { asked: 210_000, most: 200_000 }],
  ["the request exceeds the available context size (4096 tokens), try increasing it", undefined],
  ["prompt too long; exceeded max context length by 812 tokens", undefined],
  ["Requested token count exceeds the model's maximum context length of 32768 tokens.", undefined],
];

test("a prompt that is too long is known by the words of every well-known vendor, and the counts are read from them (B37)", () => {
  for (const [words, counts] of tooLong) {
    assert.equal(kindOfWords(words), "context_too_long", words);
    if (counts !== undefined) assert.deepEqual(failureOf("context_too_long", 400, words).tokens, counts, words);
  }
});

test("an empty purse and a refused key are known by their words", () => {
  const credits = [
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade.",
    "Insufficient Balance",
    "insufficient_quota",
    "This request requires more credits, or fewer max_tokens.",
  ];
  for (const words of credits) assert.equal(kindOfWords(words), "credits", words);
  const keys = [
    "API key not valid. Please pass a valid API key.",
    "Incorrect API key provided: sk-…abcd.",
    "invalid x-api-key",
    "Authentication Fails (no such user)",
  ];
  for (const words of keys) assert.equal(kindOfWords(words), "refused_key", words);
});

test("other refusals say nothing by their words", () => {
  const others = [
    "",
    "max_tokens: must be greater than or equal to 1",
    "Rate limit reached for tokens per min (TPM): Limit 30000, Requested 40000. The input or output tokens must be reduced.",
    "You exceeded your current quota, please check your plan and billing details.",
    "Rate limit exceeded: no API key was given, and others have 3 requests per minute.",
    "messages.0.content: Input should be a valid list",
    "tools: Tool names must be unique.",
    "temperature: range: 0..1",
  ];
  for (const words of others) assert.equal(kindOfWords(words), undefined, words);
});

test("a status alone tells the kind", () => {
  const kinds = [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529].map(kindOfStatus);
  assert.deepEqual(kinds, [
    "rejected",
    "refused_key",
    "credits",
    "forbidden",
    "not_found",
    "timeout",
    "too_large",
    "rejected",
    "rate_limited",
    "server",
    "server",
    "overloaded",
    "timeout",
    "overloaded",
  ]);
});

test("what an error says is its message or itself, and not more than is worth showing", () => {
  assert.equal(failureWords({ message: "a" }), "a");
  assert.equal(failureWords("b"), "b");
  assert.equal(failureWords({ error: 1 }), "");
  assert.equal(failureWords("x".repeat(9_000)).length, 2_000);
});

test("long words take no long time to judge", () => {
  const words = "context maximum exceeds input tokens ".repeat(2_000);
  const begun = process.cpuUsage();
  for (let count = 0; count < 20; count++) kindOfWords(words);
  assert.ok(process.cpuUsage(begun).user < 2_000_000);
});
