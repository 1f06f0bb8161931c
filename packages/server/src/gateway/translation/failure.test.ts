import assert from "node:assert/strict";
import { test } from "node:test";
import { upstreamError } from "./failure.ts";

const names = { provider: "OpenAI", credential: "cred_1", model: "gpt-6", estimatedInput: 90, contextTokens: 80 };
const same = (text: string): string => text;

test("a prompt that is too long is told in the words that clients make room by", () => {
  const stated = {
    kind: "context_too_long",
    status: 400,
    message: "too long",
    tokens: { asked: 250_000, most: 200_000 },
  } as const;
  assert.equal(upstreamError(stated, names, same).message, "prompt is too long: 250000 tokens > 200000 maximum");
  const bare = { kind: "context_too_long", status: 400, message: "" } as const;
  assert.equal(upstreamError(bare, names, same).message, "prompt is too long: 90 tokens > 80 maximum");
  const unknown = upstreamError(bare, { ...names, contextTokens: undefined }, same);
  assert.equal(unknown.message, "prompt is too long: 91 tokens > 90 maximum");
});

test("the provider's words are shortened, and its key is blotted out of them", () => {
  const failure = { kind: "rejected", status: 400, message: `no ${"x".repeat(5_000)}` } as const;
  assert.ok(upstreamError(failure, names, same).message.length < 2_100);
  const echoed = { kind: "rejected", status: 400, message: "the key abc is odd" } as const;
  assert.match(upstreamError(echoed, names, (text) => text.replace("abc", "***")).message, /the key \*\*\* is odd/);
});

test("it says when to try again, if the provider did", () => {
  const failure = { kind: "rate_limited", status: 429, message: "slow down", retryAfterSeconds: 7 } as const;
  const error = upstreamError(failure, names, same);
  assert.deepEqual([error.status, error.retryAfterSeconds], [429, 7]);
});

test("it never says to wait for longer than a day", () => {
  const failure = { kind: "rate_limited", status: 429, message: "slow down", retryAfterSeconds: 1e300 } as const;
  assert.equal(upstreamError(failure, names, same).retryAfterSeconds, 86_400);
});
