import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { scanObject, requestRules } from "../../kernel/json-scan.ts";
import type { StreamFilter } from "../dialect.ts";
import { createVectorFilter, filterVectors, vectorKeys } from "./vector-filter.ts";
import { base64OfVector } from "./vectors.ts";

const plain = `{"object":"list","data":[
 {"object" : "embedding", "index":0, "embedding" : [0.5,
   -2], "extra":1},{"object":"embedding","index":1,"embedding":[1,2]} ],"model":"m","usage":{"prompt_tokens":1e0}}`;
const packed = plain.replace(/\[0\.5,\s+-2\]/, '"AAAAPwAAAMA="').replace("[1,2]", `"${base64OfVector([1, 2])}"`);
const compact = plain.replace(/\[0\.5,\s+-2\]/, "[0.5,-2]");

/** What comes out of a reply that comes in pieces. */
function filtered(filter: StreamFilter, text: string, cuts: readonly number[] = []): string {
  const bytes = Buffer.from(text);
  const at = [...cuts, bytes.length].toSorted((one, other) => one - other);
  const pieces = at.map((end, index) => filter.push(bytes.subarray(index === 0 ? 0 : at[index - 1], end)));
  return Buffer.concat([...pieces, filter.end()].map((piece) => piece ?? Buffer.alloc(0))).toString("utf8");
}

describe("the vectors of a reply", () => {
  test("are written as they were asked for, and all else stays, byte for byte (B61)", () => {
    assert.equal(filtered(createVectorFilter("base64"), plain), packed);
    assert.equal(filtered(createVectorFilter("float"), packed), compact);
    assert.equal(filtered(createVectorFilter("float"), plain), plain);
    assert.equal(filtered(createVectorFilter("base64"), packed), packed);
  });

  test("come out the same wherever the reply is split", () => {
    const cuts = fc.array(fc.nat(Math.min(plain.length, packed.length)), { maxLength: 8 });
    const formats = fc.constantFrom("float" as const, "base64" as const);
    const texts = fc.constantFrom(plain, packed);
    fc.assert(
      fc.property(cuts, formats, texts, (at, format, text) => {
        const whole = filtered(createVectorFilter(format), text);
        assert.equal(filtered(createVectorFilter(format), text, at), whole);
      }),
    );
  });

  test("that are as they were asked for are not looked at any further", () => {
    const bytes = Buffer.from(plain);
    const filter = createVectorFilter("float");
    assert.equal(filter.push(bytes)?.buffer, bytes.buffer);
    const rest = Buffer.from(packed);
    assert.equal(filter.push(rest), rest);
  });

  test("stay where they are none, and what is about none stays too", () => {
    const odd = [
      "",
      "{}",
      '{"data":[{"embedding":"?"},{"embedding":{"a":1}},{"embedding":[[1]]},{"embedding":["a"]},{"embedding":null}]}',
      '{"data":[{"embedding":[]},{"embedding":""},{"embedding":"AACAfw=="}]}',
      '{"error":{"message":"no \\"embedding\\":[1] here"}}',
      '{"embedding"',
      '{"embedding":[1,',
      "<html>",
    ];
    for (const text of odd)
      for (const format of ["float", "base64"] as const)
        assert.equal(filtered(createVectorFilter(format), text, [3]), text, text);
  });

  test("that are longer than any vector go on as they are, and are not gathered", () => {
    const numbers = "1,".repeat(3 * 1024 * 1024);
    const text = `{"data":[{"embedding":[${numbers}1]},{"embedding":[1]}]}`;
    const cuts = Array.from({ length: 60 }, (_, index) => index * 100_000);
    assert.equal(filtered(createVectorFilter("base64"), text, cuts), text);
  });
});

test("a request tells how its vectors are to be; what holds no 32-bit floats is left alone", () => {
  const filterFor = (request: object): StreamFilter | undefined => {
    const body = Buffer.from(JSON.stringify(request));
    return filterVectors(body, scanObject(body, vectorKeys, requestRules));
  };
  const reply = '{"data":[{"embedding":"AAAAPwAAAMA="}]}';
  for (const request of [{}, { encoding_format: "float" }, { encoding_format: null }, { output_dtype: "float" }]) {
    const filter = filterFor(request) ?? assert.fail(JSON.stringify(request));
    assert.equal(filtered(filter, reply), '{"data":[{"embedding":[0.5,-2]}]}');
  }
  const packing = filterFor({ encoding_format: "base64" }) ?? assert.fail();
  assert.equal(filtered(packing, '{"data":[{"embedding":[0.5,-2]}]}'), reply);
  const others = [
    { encoding_format: "hex" },
    { output_dtype: "int8", encoding_format: "base64" },
    { embedding_type: "base64" },
    { embedding_type: ["float", "base64"] },
  ];
  for (const request of others) assert.equal(filterFor(request), undefined, JSON.stringify(request));
});
