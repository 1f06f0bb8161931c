import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../../kernel/errors.ts";
import { requestRules, scanObject, watchKeys } from "../../kernel/json-scan.ts";
import { splice } from "../../kernel/splice.ts";
import { askForUsage } from "./usage-request.ts";

const watched = watchKeys("stream", "stream_options");

/** The body as it would go to the provider; undefined if nothing is to be changed. */
function changed(body: string): string | undefined {
  const bytes = Buffer.from(body);
  const request = askForUsage(bytes, scanObject(bytes, watched, requestRules));
  return request && splice(bytes, request.edits).toString();
}

test("a streamed request is made to ask for its usage", () => {
  assert.equal(changed('{"stream":true}'), '{"stream_options":{"include_usage":true},"stream":true}');
  assert.equal(changed('{ "stream" : true }'), '{"stream_options":{"include_usage":true}, "stream" : true }');
  assert.equal(
    changed('{"stream":true,"stream_options":null}'),
    '{"stream":true,"stream_options":{"include_usage":true}}',
  );
  assert.equal(
    changed('{"stream":true,"stream_options":{}}'),
    '{"stream":true,"stream_options":{"include_usage":true}}',
  );
  assert.equal(
    changed('{"stream_options": { "include_usage" : false } ,"stream":true}'),
    '{"stream_options": { "include_usage" : true } ,"stream":true}',
  );
  assert.equal(
    changed('{"stream":true,"stream_options":{"include_obfuscation":false}}'),
    '{"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}',
  );
});

test("a request that asks for it, or is not streamed, or is wrong, stays as it is", () => {
  for (const body of [
    '{"stream":true,"stream_options":{"include_usage":true}}',
    '{"stream":true,"stream_options":{"\\u0069nclude_usage":true}}',
    '{"stream":false}',
    '{"model":"m"}',
    '{"stream":null,"stream_options":{}}',
    '{"stream":"true"}',
    '{"stream":true,"stream_options":"all"}',
    '{"stream":true,"stream_options":[]}',
  ]) {
    assert.equal(changed(body), undefined, body);
  }
});

test("options that two parsers may read differently are refused", () => {
  const twice = '{"stream":true,"stream_options":{"include_usage":false,"include_usage":true}}';
  assert.throws(
    () => changed(twice),
    (thrown) => thrown instanceof AppError && thrown.code === "invalid_json",
  );
});

test("whatever else the body holds means the same afterwards", () => {
  const options = fc.option(
    fc.record({ include_usage: fc.boolean(), include_obfuscation: fc.boolean() }, { requiredKeys: [] }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), options, (rest, streamOptions) => {
      const { __proto__: _ignored, ...plain } = rest;
      const body = { ...plain, stream: true, ...(streamOptions && { stream_options: streamOptions }) };
      const text = JSON.stringify(body);
      fc.pre(!text.includes("__proto__")); // refused at any depth, before this is asked
      const expected = { ...body, stream_options: { ...streamOptions, include_usage: true } };
      assert.deepEqual(JSON.parse(changed(text) ?? text), JSON.parse(JSON.stringify(expected)));
    }),
  );
});
