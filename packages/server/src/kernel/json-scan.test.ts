import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { AppError } from "./errors.ts";
import {
  readBoolean,
  readInteger,
  readString,
  readValue,
  replyRules,
  requestRules,
  type ScanRules,
  scanCutObject,
  type ScannedObject,
  scanObject,
  valueAt,
  watchFirst,
  watchKeys,
} from "./json-scan.ts";

const watched = watchKeys("model", "stream", "max_tokens");
const names = ["model", "stream", "max_tokens"];

function scan(text: string | Buffer, rules: ScanRules = requestRules): ScannedObject {
  return scanObject(Buffer.from(text), watched, rules);
}

/** What the scan refuses, in the words of the error; undefined if it accepts. */
function problemOf(text: string | Buffer, rules: ScanRules = requestRules): string | undefined {
  try {
    scan(text, rules);
    return undefined;
  } catch (thrown) {
    assert.ok(thrown instanceof AppError, String(thrown));
    return thrown.message;
  }
}

function slice(text: string | Buffer, scanned: ScannedObject, key: string): string | undefined {
  const span = scanned.get(key);
  return span && Buffer.from(text).toString("utf8", span.start, span.end);
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function holdsOverflow(text: string): boolean {
  return [...text.matchAll(/[0-9][0-9.eE+-]*/g)].some(([number]) => parseFloat(number) === Infinity);
}

/** Accepts and refuses as `JSON.parse` does, and sees the same values. */
function agrees(text: string): void {
  const reference = parsed(Buffer.from(text).toString());
  const problem = problemOf(text, replyRules);
  if (problem?.includes("too large to be represented")) {
    assert.ok(holdsOverflow(text), text);
    return;
  }
  assert.equal(problem === undefined, reference !== undefined, `${JSON.stringify(text)}: ${problem}`);
  if (reference === undefined) return;
  const scanned = scan(text, replyRules);
  for (const name of names) {
    assert.equal(scanned.get(name) !== undefined, Object.hasOwn(reference, name), text);
    assert.deepEqual(readValue(Buffer.from(text), scanned.get(name)), reference[name], text);
  }
}

const space = fc.constantFrom("", "", "", " ", "\n", "\t", "\r\n", "  ");
const key = fc.oneof(
  fc.constantFrom(...names, "Model", "mode", "modell", "__proto__", ""),
  fc.string({ unit: "binary" }),
);

/** JSON text of a value, with white space and escapes thrown in. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; text: string; object: string }>((tie) => ({
  text: fc.tuple(key, fc.boolean()).map(([text, escape]) => quoted(text, escape)),
  object: fc
    .tuple(fc.array(fc.tuple(space, tie("text"), space, space, tie("value"), space), { maxLength: 6 }), space)
    .map(([members, rest]) => {
      const inside = members.map(([a, name, b, c, value, d]) => `${a}${name}${b}:${c}${value}${d}`).join(",");
      return `{${inside === "" ? rest : inside}}`;
    }),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(
      "true",
      "false",
      "null",
      "0",
      "-0",
      "1.5",
      "-12e3",
      "1E+2",
      "0.0e-400",
      "123456789012345678901234567890",
    ),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    tie("text"),
    tie("object"),
    fc
      .tuple(fc.array(tie("value"), { maxLength: 4 }), space)
      .map(([items, rest]) => `[${rest}${items.join(`${rest},`)}]`),
  ),
})).object;

function quoted(text: string, escape: boolean): string {
  const plain = JSON.stringify(text);
  if (!escape) return plain;
  return `"${[...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;
}

describe("scanObject against JSON.parse", () => {
  test("accepts what it accepts and finds the same values", () => {
    fc.assert(fc.property(jsonText, agrees), { numRuns: 2_000 });
  });

  test("agrees on text with a few bytes changed, dropped or doubled", () => {
    const change = fc.record({
      at: fc.nat(),
      drop: fc.nat(2),
      put: fc.constantFrom(...'{}[],:"\\ \n\u00010-+.eEtfnux', "é", "\u2028", "1e400", ""),
    });
    const mutated = fc.tuple(jsonText, fc.array(change, { minLength: 1, maxLength: 3 })).map(([text, changes]) =>
      changes.reduce((from, { at, drop, put }) => {
        const cut = at % (from.length + 1);
        return from.slice(0, cut) + put + from.slice(cut + drop);
      }, text),
    );
    fc.assert(fc.property(mutated, agrees), { numRuns: 4_000 });
  });

  test("agrees on any sequence of tokens", () => {
    const token = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"model"',
      '"a"',
      "1",
      "-",
      "0",
      "01",
      "1.",
      ".5",
      "1e",
      "2e5",
      "tru",
      "true",
      "null",
      '"',
      "\\",
      " ",
      "\u0000",
      "\ufeff",
    );
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 12 }).map((parts) => `{"a":${parts.join("")}}`),
        agrees,
      ),
      { numRuns: 4_000 },
    );
  });

  test("agrees on which numbers are finite", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 330 });
    const number = fc
      .tuple(
        fc.constantFrom("", "-"),
        digits,
        fc.option(digits, { nil: undefined }),
        fc.option(fc.integer({ min: -700, max: 700 }), { nil: undefined }),
      )
      .map(([sign, whole, fraction, exponent]) => {
        const mantissa = `${whole.replace(/^0+(?=.)/, "")}${fraction === undefined ? "" : `.${fraction}`}`;
        return `${sign}${mantissa}${exponent === undefined ? "" : `e${exponent}`}`;
      });
    fc.assert(
      fc.property(number, (text) => {
        assert.equal(problemOf(`{"a":${text}}`) === undefined, Number.isFinite(Number(text)), text);
      }),
      { numRuns: 3_000 },
    );
    for (const [text, finite] of [
      ["1.7976931348623157e308", true],
      ["1.7976931348623158e308", true],
      ["17976931348623158079e289", true],
      ["1.797693134862315807938e308", false],
      ["1.7976931348623159e308", false],
      ["0.00000000017976931348623157e318", true],
      ["0e99999999999999999999", true],
      ["1e400", false],
      ["-1e400", false],
      ["1E+309", false],
      ["1e-99999999999999999999", true],
      [`1${"0".repeat(308)}`, true],
      [`1${"0".repeat(309)}`, false],
    ] as const) {
      assert.equal(problemOf(`{"a":${text}}`) === undefined, finite, text);
    }
  });
});

describe("a request's body", () => {
  const refused = (text: string | Buffer, pattern: RegExp) => assert.match(problemOf(text) ?? "accepted", pattern);

  test("that gives a watched key twice is refused", () => {
    refused('{"model":"cheap","model":"dear"}', /`model` is given a second time at byte 17/);
    refused('{"stream":true,"x":1,"stream":false}', /second time/);
    assert.equal(problemOf('{"x":1,"x":2}'), undefined);
    assert.equal(problemOf('{"model":"a","x":{"model":1,"model":2}}'), undefined);
  });

  test("that spells a watched key with escapes means the same key", () => {
    for (const spelt of ['"mod\\u0065l"', '"\\u006dodel"', '"mode\\u006C"', '"\\u006d\\u006f\\u0064\\u0065\\u006c"']) {
      const body = `{${spelt}:"dear"}`;
      assert.equal(slice(body, scan(body), "model"), '"dear"');
      refused(`{"model":"cheap",${spelt}:"dear"}`, /second time/);
      refused(`{${spelt}:"dear","model":"cheap"}`, /second time/);
    }
    for (const other of ['"mod\\u0065"', '"model\\u0000"', '"mod\\\\u0065l"', '"\\u016dodel"', '"mode\\n"']) {
      assert.equal(scan(`{${other}:1}`).get("model"), undefined);
    }
  });

  test("that writes a watched key in another letter case is refused, for decoders that ignore case", () => {
    refused('{"model":"cheap","MODEL":"dear"}', /another letter case at byte 17/);
    refused('{"Model":"dear"}', /another letter case/);
    refused('{"\\u004dodel":"dear"}', /another letter case/);
    refused('{"Max_Tokens":1}', /another letter case/);
    assert.equal(problemOf('{"Models":1,"max?tokens":1,"x":{"Model":1}}'), undefined);
  });

  test("with a key `__proto__`, at any depth and however spelt, is refused", () => {
    refused('{"__proto__":{"admin":true}}', /`__proto__` at byte 1/);
    refused('{"a":[{"b":{"__proto__":1}}]}', /__proto__/);
    refused('{"a":{"\\u005f_proto_\\u005f":1}}', /__proto__/);
    refused('{"\\u005f\\u005f\\u0070roto__":1}', /__proto__/);
    assert.equal(problemOf('{"a":"__proto__","__proto":1,"__proto___":2,"proto":{"_":1}}'), undefined);
  });

  test("with a byte-order mark, other marks in front, or something behind it is refused", () => {
    refused('\ufeff{"model":"a"}', /byte-order mark at byte 0/);
    refused('{"model":"a"}{"model":"b"}', /behind the end of the object at byte 13/);
    refused('{"model":"a"}\u0000', /behind the end/);
    refused('{"model":"a"} x', /behind the end of the object at byte 14/);
    refused('\u000b{"model":"a"}', /no `{` at byte 0/);
    refused('\u00a0{"model":"a"}', /no `{`/);
  });

  test("that is no object is refused", () => {
    for (const text of ["[]", "1", '"model"', "null", "<html>"]) refused(text, /not an object/);
    refused("", /it is empty/);
    refused(" \n", /it is empty/);
  });

  test("with raw control characters or malformed escapes in a string is refused", () => {
    for (let code = 0; code < 0x20; code++) {
      refused(`{"a":"${"x".repeat(code)}${String.fromCharCode(code)}"}`, /raw control character/);
      refused(`{"a${String.fromCharCode(code)}":1}`, /raw control character/);
    }
    assert.equal(problemOf('{"a":"\u007f\u0080 "}'), undefined);
    for (const escape of ["\\x41", "\\u12", "\\u12g4", "\\u", "\\'", "\\\n", "\\u+123"])
      refused(`{"a":"${escape}"}`, /malformed escape/);
  });

  test("that is not UTF-8 is refused, overlong quotes included", () => {
    const overlongQuote = Buffer.concat([Buffer.from('{"model":"cheap'), Buffer.from([0xc0, 0xa2]), Buffer.from('"}')]);
    refused(overlongQuote, /not UTF-8/);
    refused(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /not UTF-8/);
    refused(Buffer.from('{"a":1}', "utf16le"), /not an object|unexpected|not UTF-8/);
  });

  test("nested up to the limit passes, one level more does not", () => {
    const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
    assert.equal(problemOf(nested(128)), undefined);
    refused(nested(129), /deeper than 128 levels/);
    refused(`${'{"a":'.repeat(129)}1${"}".repeat(129)}`, /deeper than 128 levels/);
    assert.equal(problemOf(`{"a":[${"[],{},".repeat(500)}1]}`), undefined);
  });

  test("of 20 MB neither overflows the stack nor stalls, however it is built", () => {
    const size = 20 * 1024 * 1024;
    const fill = (unit: string) => unit.repeat(size / unit.length);
    const hostile: Readonly<Record<string, readonly [string, RegExp | undefined]>> = {
      "arrays in arrays": [`{"a":${fill("[")}`, /deeper/],
      "objects in objects": [fill('{"a":'), /deeper/],
      "small numbers": [`{"a":[${fill("1,")}1]}`, /a value too many/],
      "large exponents": [`{"a":[${fill("1e308,")}1]}`, /a value too many/],
      "empty arrays": [`{"a":[${fill("[],")}1]}`, /a value too many/],
      "escaped keys": [`{${fill('"\\u006dode":1,')}"a":1}`, /a value too many/],
      "long numbers": [`{"a":[${fill(`1.${"7".repeat(57)},`)}1]}`, undefined],
      "one long number": [`{"a":${fill("1")}}`, /more than 2000 digits/],
      "one long fraction": [`{"a":0.${fill("1")}}`, /more than 2000 digits/],
      "white space": [`{"a":${fill(" \t")}1}`, undefined],
      "escaped characters": [`{"a":"${fill("\\n")}"}`, undefined],
      "one open string": [`{"a":"${fill("x")}`, /ends too early/],
    };
    for (const [name, [text, pattern]] of Object.entries(hostile)) {
      const body = Buffer.from(text);
      const started = performance.now();
      const problem = problemOf(body);
      const tookMs = performance.now() - started;
      if (pattern === undefined) assert.equal(problem, undefined, name);
      else assert.match(problem ?? "accepted", pattern, name);
      assert.ok(tookMs < 1_000, `${name} took ${tookMs.toFixed(0)} ms`);
    }
  });

  test("cut off anywhere is refused", () => {
    const whole = '{"model":"a\\u0041\\n","x":[1,-2.5e3,{"y":null}],"stream":true}';
    for (let end = 0; end < whole.length; end++)
      assert.notEqual(problemOf(whole.slice(0, end)), undefined, String(end));
  });

  test("that lies in a larger buffer is read at its own bounds", () => {
    const buffer = Buffer.from('12{"model":"a","n":12}345');
    const scanned = scanObject(buffer, watched, requestRules, { start: 2, end: 22 });
    assert.equal(readString(buffer, scanned.get("model")), "a");
    assert.throws(() => scanObject(buffer, watched, requestRules, { start: 2, end: 21 }), /ends too early/);
    assert.throws(() => scanObject(buffer, watched, requestRules, { start: 2, end: 23 }), /behind the end/);
    const inPool = Buffer.from('x{"stream":false}').subarray(1);
    assert.equal(readBoolean(inPool, scanObject(inPool, watched, requestRules).get("stream")), false);
  });
});

test("a provider's body is read as most parsers read it: the last of equal keys counts", () => {
  const text = '{"model":"a","MODEL":"b","model":"c","__proto__":{}}';
  assert.equal(slice(text, scan(text, replyRules), "model"), '"c"');
});

test("a key that is no key of a dialect cannot be watched", () => {
  assert.throws(() => watchKeys("Model"), RangeError);
  assert.throws(() => watchKeys("mödel"), RangeError);
});

test("of an object that is cut off, the whole values are found", () => {
  const text = Buffer.from('{"model":"a","stream":true,"max_tokens":12');
  const cut = scanCutObject(text, watched, { start: 0, end: text.length });
  assert.equal(readString(text, cut.get("model")), "a");
  assert.equal(readBoolean(text, cut.get("stream")), true);
  for (const junk of ["", "[", "{", '{"model', '{"model":"a', "{]", "{}"]) {
    const bytes = Buffer.from(junk);
    assert.equal(scanCutObject(bytes, watched, { start: 0, end: bytes.length }).get("model"), undefined);
  }
});

test("a value is found where it begins", () => {
  const text = Buffer.from('x: {"a":[1]} , "b"');
  assert.deepEqual(valueAt(text, 2), { start: 3, end: 12 });
  assert.deepEqual(valueAt(text, 14), { start: 15, end: 18 });
  for (const from of [0, 1, 13, 18, 99]) assert.equal(valueAt(text, from), undefined);
});

describe("the readers", () => {
  const read = <Value>(
    value: string,
    reader: (bytes: Buffer, span: { start: number; end: number } | undefined) => Value,
  ): Value => {
    const bytes = Buffer.from(`{"model": ${value} }`);
    return reader(bytes, scanObject(bytes, watched, requestRules).get("model"));
  };

  test("decode strings, and nothing else, as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.boolean(), (text, escape) => {
        const wire = quoted(text, escape);
        assert.equal(read(wire, readString), JSON.parse(Buffer.from(wire).toString()));
      }),
    );
    for (const other of ["1", "true", "null", "{}", "[]"]) assert.equal(read(other, readString), undefined);
  });

  test("read booleans", () => {
    assert.equal(read("true", readBoolean), true);
    assert.equal(read("false", readBoolean), false);
    for (const other of ["1", '"true"', "null", "{}"]) assert.equal(read(other, readBoolean), undefined);
  });

  test("read whole numbers however they are written", () => {
    assert.equal(read("4096", readInteger), 4096);
    assert.equal(read("-1", readInteger), -1);
    assert.equal(read("1e3", readInteger), 1000);
    assert.equal(read("2.0", readInteger), 2);
    for (const other of ["1.5", "9007199254740993", '"1"', "null", "[]", "{}", "true"])
      assert.equal(read(other, readInteger), undefined);
  });

  test("give undefined for a key that is absent", () => {
    const bytes = Buffer.from("{}");
    for (const reader of [readString, readBoolean, readInteger, readValue])
      assert.equal(reader(bytes, undefined), undefined);
  });
});

describe("keys of the first item of a list", () => {
  const listed = watchFirst("choices", watchKeys("finish_reason", "index"), watchKeys("model", "choices"));
  const find = (text: string, key: string): string | undefined => {
    const span = scanObject(Buffer.from(text), listed, replyRules).get(key);
    return span && text.slice(span.start, span.end);
  };

  test("are found in the pass that finds those around them", () => {
    const item = '{"a":[{"finish_reason":"no"},[[]]] , "finish_reason" : "stop","index":0}';
    for (const list of [`[${item}]`, `[ ${item} ]`, `[${item},{"finish_reason":"other"},3]`, `[${item} , [[1],{}]]`]) {
      const text = `{"id":"x","choices":${list},"model":"m"}`;
      assert.equal(find(text, "choices"), list);
      assert.equal(find(text, "choices.finish_reason"), '"stop"');
      assert.equal(find(text, "choices.index"), "0");
      assert.equal(find(text, "model"), '"m"');
    }
  });

  test("are absent where there is no such item", () => {
    const none = ["[]", "[ ]", "[{}]", "[{},{}]", "[null,{}]", "[[{}]]", '{"finish_reason":1}', '"x"', "null", "3"];
    for (const list of none) {
      const text = `{"choices":${list}, "model": "m"}`;
      assert.equal(find(text, "choices"), list);
      assert.equal(find(text, "choices.finish_reason"), undefined);
      assert.equal(find(text, "model"), '"m"');
    }
  });

  test("of a list given twice are those of the last", () => {
    assert.equal(find('{"choices":[{"index":1}],"choices":[{"index":2}]}', "choices.index"), "2");
    assert.equal(find('{"choices":[{"index":1}],"choices":null}', "choices.index"), undefined);
  });

  test("do not make the scan take what is no JSON", () => {
    const broken = ["[{}", "[{}]]", "[{},]", "[{}{}]", "[{} 1]", "[{]}", '[{"a"}]', "[{},{]", "[{}}", "[{},1}"];
    for (const list of broken) {
      for (const text of [`{"choices":${list}}`, `{"choices":${list},"model":"m"}`, `{"choices":${list}`]) {
        assert.throws(() => scanObject(Buffer.from(text), listed, replyRules), { code: "invalid_json" }, text);
      }
    }
  });

  test("do not change which values are JSON, nor where they lie", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 3 }), fc.jsonValue(), (list, other) => {
        const bytes = Buffer.from(JSON.stringify({ other, choices: list, model: other }));
        const scanned = scanObject(bytes, listed, replyRules);
        assert.deepEqual(readValue(bytes, scanned.get("choices")), JSON.parse(JSON.stringify(list)));
        assert.deepEqual(readValue(bytes, scanned.get("model")), JSON.parse(JSON.stringify(other)));
      }),
    );
  });
});
