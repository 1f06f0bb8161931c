import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../kernel/clock.ts";
import { Secret } from "../kernel/secret.ts";
import { createSecretCache } from "./cache.ts";

const origin = "https://api.example.com:443";
const value = new Secret("sk-value");

test("a value is found for its origins, until its time is over", () => {
  const clock = fakeClock();
  const cache = createSecretCache(clock, 1_000);
  cache.keep("a", value, [origin], cache.ticket());
  clock.advance(999);
  assert.equal(cache.find("a", origin), value);
  assert.equal(cache.find("a", "https://evil.example:443"), undefined);
  assert.equal(cache.find("b", origin), undefined);
  clock.advance(1);
  assert.equal(cache.find("a", origin), undefined);
  assert.equal(cache.size, 0);
});

test("a value that was read before something was forgotten is not kept afterwards", () => {
  const cache = createSecretCache(fakeClock(), 1_000);
  for (const revoke of [() => cache.forget("a"), () => cache.clear()]) {
    const ticket = cache.ticket();
    revoke();
    cache.keep("a", value, [origin], ticket);
    assert.equal(cache.find("a", origin), undefined);
  }
  cache.keep("a", value, [origin], cache.ticket());
  cache.forget("a");
  assert.equal(cache.find("a", origin), undefined);
});

test("it holds a bounded number of values, the latest opened, and counts no expired one", () => {
  const clock = fakeClock();
  const cache = createSecretCache(clock, 1_000, 2);
  for (const key of ["a", "b", "a", "c"]) cache.keep(key, value, [origin], cache.ticket());
  assert.deepEqual(
    ["a", "b", "c"].map((key) => cache.find(key, origin) !== undefined),
    [true, false, true],
  );
  clock.advance(500);
  cache.keep("a", value, [origin], cache.ticket());
  clock.advance(500);
  assert.equal(cache.size, 1);
});

test("with no time to live it keeps nothing", () => {
  const cache = createSecretCache(fakeClock(), 0);
  cache.keep("a", value, [origin], cache.ticket());
  assert.equal(cache.find("a", origin), undefined);
});
