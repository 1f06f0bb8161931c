import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createKeyMask, maskCutKey, maskKey, maskKeyInHeaders } from "./key-mask.ts";

/** Sends the text through a mask in pieces that end at the given places. */
function streamed(text: string, key: string, cuts: readonly number[]): string {
  const bytes = Buffer.from(text);
  const mask = createKeyMask(Buffer.from(key));
  const places = [
    0,
    ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((one, other) => one - other),
    bytes.length,
  ];
  const pieces = places.slice(1).map((to, index) => mask.push(bytes.subarray(places[index], to)));
  return Buffer.concat([...pieces, mask.end()].flatMap((piece) => piece ?? [])).toString();
}

test("a key is blotted out wherever a stream is cut, and nothing else is touched", () => {
  // Few letters, so that keys begin within keys and almost-keys are everywhere.
  const letters = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 6 });
  const property = fc.property(
    letters,
    fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 40 }),
    fc.array(fc.nat(100), { maxLength: 8 }),
    (key, text, cuts) => {
      const expected = text.replaceAll(key, "[redacted]");
      assert.equal(streamed(text, key, cuts), expected);
      assert.equal(maskKey(Buffer.from(text), Buffer.from(key)).toString(), expected);
    },
  );
  fc.assert(property, { numRuns: 2_000 });
});

test("what cannot be a part of the key is passed on at once, in the same buffer", () => {
  const mask = createKeyMask(Buffer.from("sk-key"));
  const chunk = Buffer.from('data: {"sk":1}\n\n');
  assert.equal(mask.push(chunk), chunk);
  assert.equal(mask.end(), undefined);
  assert.equal(maskKey(chunk, Buffer.from("sk-key")), chunk);
});

test("the beginning of a key is held back", () => {
  const mask = createKeyMask(Buffer.from("sk-key"));
  assert.equal(mask.push(Buffer.from("is sk-"))?.toString(), "is ");
  assert.equal(mask.push(Buffer.from("ke")), undefined);
  assert.equal(mask.push(Buffer.from("y."))?.toString(), "[redacted].");
});

test("a text that was cut within the key does not show how the key begins", () => {
  const key = Buffer.from("sk-0123456789abcdef");
  const cut = (text: string): string => maskCutKey(Buffer.from(text), key).toString();
  assert.equal(cut("the key sk-0123456789abcde"), "the key [redacted]");
  assert.equal(cut("the key sk-01234"), "the key [redacted]");
  assert.equal(cut("keys begin with sk-"), "keys begin with sk-");
  assert.equal(cut("sk-0123456789abcdef is wrong, not sk-01234567"), "[redacted] is wrong, not [redacted]");
});

test("a key is blotted out of headers, and headers without it stay what they are", () => {
  const key = "sk-0123456789abcdef";
  const headers = ["x-request-id", `req-${key}-${key}`, "content-type", "application/json"];
  assert.deepEqual(maskKeyInHeaders(headers, key), [
    "x-request-id",
    "req-[redacted]-[redacted]",
    "content-type",
    "application/json",
  ]);
  assert.equal(maskKeyInHeaders(headers, "sk-another-key-of-it"), headers);
});
