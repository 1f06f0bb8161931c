import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  requestRules,
  type ScannedObject,
  scanObject,
  scanObjectInSlices,
  scanValueInSlices,
  watchKeys,
} from "./json-scan.ts";
import { sliceBytes } from "./turns.ts";

const watched = watchKeys("model", "stream", "max_tokens");
const names = ["model", "stream", "max_tokens"];

describe("a scan in slices", () => {
  /** Puts the text around the end of the first slice, cut behind its `offset`-th byte. */
  const atCut = (text: string, offset: number): Buffer => {
    const head = '{"fill":"';
    const tail = '","rest":';
    const fill = "x".repeat(sliceBytes - head.length - tail.length - offset);
    return Buffer.from(`${head}${fill}${tail}${text}`);
  };
  const outcome = (found: ScannedObject): unknown => [
    names.map((name) => found.get(name)),
    found.insertAt,
    found.isEmpty,
  ];
  const whole = (body: Buffer): unknown => {
    try {
      return outcome(scanObject(body, watched, requestRules));
    } catch (thrown) {
      return String(thrown);
    }
  };
  const sliced = (body: Buffer): Promise<unknown> =>
    scanObjectInSlices(body, watched, requestRules).then(outcome, String);

  const right =
    '[1,-2.5e3, {"y" : null,"\\u0041\\\\\\"é":[true,{}]}] , "model" : "a\\u0041\\n\\"b" ,"stream":true,"max_tokens":12} ';

  test("finds what a scan in one go finds, wherever the slice ends", async () => {
    for (let offset = 0; offset <= Buffer.byteLength(right); offset++) {
      const body = atCut(right, offset);
      assert.deepEqual(await sliced(body), whole(body), `cut behind ${offset} bytes`);
      assert.ok(Array.isArray(whole(body)));
    }
  });

  test("refuses what a scan in one go refuses, in the same words, wherever the slice ends", async () => {
    const wrong = [
      '"a\\u00g1"}',
      '"a\\x"}',
      "1e999}",
      "01}",
      "1.}",
      "tru}",
      '{"__proto__":1}}',
      '{"\\u005f_proto__":1}}',
      "[1,]}",
      "[1}",
      '1,"model":1,"model":2}',
      '1,"Model":1}',
      "1}}",
      "1",
      `"x${"y".repeat(30)}`,
      "[".repeat(130),
    ];
    for (const text of wrong) {
      for (let offset = 0; offset <= text.length; offset++) {
        const body = atCut(`${text}  `, offset);
        assert.equal(await sliced(body), whole(body), `${text} cut behind ${offset} bytes`);
        assert.equal(typeof whole(body), "string", text);
      }
    }
  });

  test("takes a number for finite that is, wherever the slice ends", async () => {
    const number = `1${"0".repeat(310)}e-100`;
    for (let offset = 300; offset <= number.length; offset++) {
      assert.ok(Array.isArray(await sliced(atCut(`${number}}`, offset))), String(offset));
    }
  });

  test("counts every value once", async () => {
    const fill = (values: number): Buffer => Buffer.from(`{"a":[${"1234567, ".repeat(values - 2)}1]}`);
    assert.ok(Array.isArray(await sliced(fill(requestRules.maxValues))));
    assert.match(String(await sliced(fill(requestRules.maxValues + 1))), /a value too many/);
  });

  test("goes through strings of many slices, of whatever they consist", async () => {
    for (const unit of ["x", "\\n", "\\u0041", "漢", 'a\\"']) {
      const text = unit.repeat(Math.ceil((3.3 * sliceBytes) / unit.length));
      for (const body of [`{"model":"${text}"}`, `{"a":[["${text}"]],"model":"${text}"}`].map((json) =>
        Buffer.from(json),
      )) {
        assert.deepEqual(await sliced(body), whole(body), unit);
        assert.match(String(await sliced(body.subarray(0, -2))), /ends too early/);
      }
    }
  });

  test("refuses a slice and more of white space, and as long a key", async () => {
    const blank = " \t".repeat(sliceBytes);
    for (const text of [
      `${blank}{}`,
      `{${blank}}`,
      `{"a"${blank}:1}`,
      `{"a":${blank}1}`,
      `{"a":[${blank}1]}`,
      `{"a":1${blank},"b":1}`,
      `{"a":[1,${blank}1]}`,
    ])
      assert.match(String(await sliced(Buffer.from(text))), /too much white space, or too long a key, at byte/);
    for (const text of [`{"${"k".repeat(3 * sliceBytes)}":1}`, `{"a":{"b":1,"${"k".repeat(3 * sliceBytes)}":1}}`])
      assert.match(String(await sliced(Buffer.from(text))), /too long a key/);
    assert.match(String(await sliced(Buffer.from(`{}${blank}`))), /something behind the end/);
    const almost = " ".repeat(sliceBytes - 100);
    const spaced = Buffer.from(
      `${almost}{${almost}"a"${almost}:1${almost},"b":[1${almost}, 2${almost}]${almost}}${almost}`,
    );
    assert.match(String(await sliced(spaced)), /too much white space/); // a value among them in every slice, or they are one
    const sparse = Buffer.from(`{"a":[1${almost},2${almost},3${almost},4],"model":"m"}${almost}`);
    assert.deepEqual(await sliced(sparse), whole(sparse));
  });

  test("lets others in after every slice, and one scan alone go on in a turn", async () => {
    const body = Buffer.from(`{"a":[${"1234567890123456,".repeat(400_000)}1]}`);
    let turns = 0;
    let over = false;
    const count = (): void => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    await Promise.all([sliced(body), sliced(body), sliced(body)]);
    over = true;
    assert.ok(turns >= 3 * Math.floor(body.length / sliceBytes), `${turns} turns`);
  });

  test("of one value tells where it lies, and does not look behind it", async () => {
    const object = `{"model":"${"x".repeat(2 * sliceBytes)}"}`;
    const text = Buffer.from(`[ 12, ${object}, "${"y".repeat(sliceBytes)}" ] junk`);
    const scanned = await scanValueInSlices(text, 5, watched, requestRules);
    assert.deepEqual([scanned.start, scanned.end], [6, 6 + object.length]);
    assert.deepEqual(scanned.get("model"), { start: 15, end: 5 + object.length });
    const number = await scanValueInSlices(text, 1, watched, requestRules);
    assert.deepEqual([number.start, number.end, number.get("model")], [2, 4, undefined]);
    const string = await scanValueInSlices(text, scanned.end + 1, watched, requestRules);
    assert.equal(string.end - string.start, sliceBytes + 2);
    await assert.rejects(scanValueInSlices(text, scanned.end, watched, requestRules), /unexpected character/);
  });
});
