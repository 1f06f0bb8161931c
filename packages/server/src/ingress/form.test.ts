import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { heldBytes } from "../../test/support/held-memory.ts";
import { AppError } from "../kernel/errors.ts";
import { boundaryOf } from "./form-head.ts";
import { type Form, FormParser } from "./form.ts";

const boundary = "----WebKitFormBoundaryx7Y2";
const watched = ["model", "stream"];

function read(chunks: readonly Buffer[]): Form {
  const parser = new FormParser(boundary, watched);
  for (const chunk of chunks) parser.push(chunk);
  return parser.end();
}

function part(head: string, content: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), Buffer.from(content), Buffer.from("\r\n")]);
}

const field = (name: string, value: string): Buffer => part(`Content-Disposition: form-data; name="${name}"`, value);
const file = (content: string | Buffer, filename = "a.mp3"): Buffer =>
  part(`Content-Disposition: form-data; name="file"; filename="${filename}"\r\nContent-Type: audio/mpeg`, content);
const close = Buffer.from(`--${boundary}--\r\n`);
const whole = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, close]);

/** The form less one of its parts. */
function without({ parts }: Form, index: number, bytes: Buffer): Buffer {
  const { start, end } = parts[index]?.whole ?? { start: 0, end: 0 };
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
}

/** What was found, with the bytes that lie where it was found. */
function found(form: Form, bytes: Buffer): Readonly<Record<string, unknown>> {
  const entries = watched.map((name) => {
    const seen = form.field(name);
    return [name, seen && { ...seen, there: bytes.toString("utf8", seen.at.start, seen.at.end) }] as const;
  });
  return { ...Object.fromEntries(entries), textBytes: form.textBytes };
}

const good: Readonly<Record<string, Buffer>> = {
  "the model before the file": whole(field("model", "whisper-1"), file("sound")),
  "the model behind the file": whole(file("sound"), field("stream", "true"), field("model", "gpt-4o-transcribe")),
  "an empty file": whole(file(""), field("model", "m")),
  "a file full of line ends and dashes": whole(
    file("\r\n--\r\n----WebKitFormBoundaryx7Y\r\n\r\n--"),
    field("model", "m"),
  ),
  "a file of every byte": whole(field("model", "m"), file(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)))),
  "a filename in UTF-8, with a semicolon and a path": whole(file("x", "C:\\Töne; laut.mp3"), field("model", "m")),
  "a name without quotes, types, lengths": whole(
    part(
      "content-disposition:form-data;name=model\r\ncontent-type: text/plain; charset=utf-8\r\nContent-Length: 3",
      "abc",
    ),
    part("Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%e2%82%ac.mp3\r\nX-Own: 1", "x"),
  ),
  "several fields of one name": whole(field("include[]", "a"), field("include[]", "b"), field("model", "m")),
  "no line end behind the last delimiter": whole(field("model", "m")).subarray(0, -2),
};

describe("a form", () => {
  for (const [name, bytes] of Object.entries(good)) {
    test(`with ${name} is read, wherever it is split`, () => {
      const expected = found(read([bytes]), bytes);
      assert.ok(expected["model"]);
      for (let at = 0; at <= bytes.length; at++) {
        assert.deepEqual(found(read([bytes.subarray(0, at), bytes.subarray(at)]), bytes), expected, `split at ${at}`);
      }
      const single = Array.from(bytes, (byte) => Buffer.from([byte]));
      assert.deepEqual(found(read(single), bytes), expected, "byte by byte");
    });
  }

  test("gives a field's text, where it lies, and how much of it is text", () => {
    const bytes = good["the model behind the file"] ?? Buffer.alloc(0);
    const form = read([bytes]);
    const model = form.field("model");
    assert.equal(model?.value, "gpt-4o-transcribe");
    assert.equal(bytes.toString("utf8", model.at.start, model.at.end), "gpt-4o-transcribe");
    assert.equal(form.field("stream")?.value, "true");
    assert.equal(form.textBytes, "true".length + "gpt-4o-transcribe".length);
  });

  test("gives where a field states its own length", () => {
    const bytes = good["a name without quotes, types, lengths"] ?? Buffer.alloc(0);
    const at = read([bytes]).field("model")?.lengthAt;
    assert.ok(at);
    assert.equal(bytes.toString("utf8", at.start, at.end), "3");
  });

  test("is read in bounded memory, however large its files are", async () => {
    const parser = new FormParser(boundary, watched);
    parser.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n`));
    const before = await heldBytes();
    for (let count = 0; count < 500; count++) parser.push(Buffer.alloc(65_536, "x"));
    const held = (await heldBytes()) - before;
    assert.ok(held < 1024 * 1024, `${held} bytes are held`);
    parser.push(Buffer.concat([Buffer.from("\r\n"), field("model", "m"), close]));
    assert.equal(parser.end().field("model")?.value, "m");
  });
});

const disposition = 'Content-Disposition: form-data; name="model"';
const hostile: Readonly<Record<string, Buffer>> = {
  "nothing at all": Buffer.alloc(0),
  JSON: Buffer.from('{"model":"m"}'),
  "bytes before the first delimiter": Buffer.concat([Buffer.from("preamble\r\n"), whole(field("model", "m"))]),
  "a line end before the first delimiter": Buffer.concat([Buffer.from("\r\n"), whole(field("model", "m"))]),
  "bytes behind the last delimiter": Buffer.concat([whole(field("model", "m")), Buffer.from("x")]),
  "a second form behind the first": Buffer.concat([whole(field("model", "m")), whole(field("model", "n"))]),
  "half a line end behind the last delimiter": whole(field("model", "m")).subarray(0, -1),
  "no last delimiter": field("model", "m"),
  "half a last delimiter": whole(field("model", "m")).subarray(0, -3),
  "a delimiter behind a bare line feed": whole(
    part(disposition, `m\n--${boundary}\nContent-Disposition: form-data; name="model"\n\nn`),
  ),
  "a delimiter in the middle of a line": whole(part(disposition, `m --${boundary}\r\n`)),
  "white space behind a delimiter": Buffer.from(`--${boundary} \r\n${disposition}\r\n\r\nm\r\n--${boundary}--`),
  "a longer boundary that begins with this one": whole(part(disposition, `m\r\n--${boundary}x`)),
  "line feeds only": Buffer.from(whole(field("model", "m")).toString().replaceAll("\r\n", "\n")),
  "the model twice": whole(field("model", "m"), file("x"), field("model", "n")),
  "the model in two letter cases": whole(field("model", "m"), field("Model", "n")),
  "the model in another letter case": whole(field("MODEL", "m")),
  "the model as a file": whole(part(`${disposition}; filename="m.txt"`, "m")),
  "the model as JSON": whole(part(`${disposition}\r\nContent-Type: application/json`, '"m"')),
  "the model in base64": whole(part(`${disposition}\r\nContent-Transfer-Encoding: base64`, "bQ==")),
  "a model of two lines": whole(field("model", "m\r\nn")),
  "a model with a NUL": whole(field("model", "m\0n")),
  "a model that is not UTF-8": whole(part(disposition, Buffer.from([0xc3, 0x28]))),
  "a model without end": whole(field("model", "m".repeat(2000))),
  "a part without a name": whole(part("Content-Disposition: form-data", "m")),
  "a part with an empty name": whole(part('Content-Disposition: form-data; name=""', "m")),
  "a part with two names": whole(part(`${disposition}; name="file"`, "m")),
  "a part named in an extended way": whole(part("Content-Disposition: form-data; name*=UTF-8''model", "m")),
  "a part named in pieces": whole(part('Content-Disposition: form-data; name*0="mo"; name*1="del"', "m")),
  "a name with a percent sign": whole(part('Content-Disposition: form-data; name="%6dodel"', "m")),
  "a name with a space": whole(part('Content-Disposition: form-data; name=" model"', "m")),
  "a name with an escaped quote": whole(part('Content-Disposition: form-data; name="a\\"; filename=\\"model"', "m")),
  "a filename that another parser ends early": whole(
    part('Content-Disposition: form-data; name="x"; filename="a\\"; name=\\"model\\""', "m"),
  ),
  "a part that is an attachment": whole(part('Content-Disposition: attachment; name="model"', "m")),
  "a part without a disposition": whole(part("Content-Type: text/plain", "m")),
  "a part without a head": Buffer.from(`--${boundary}\r\n\r\nm\r\n--${boundary}--\r\n`),
  "a part with two dispositions": whole(part(`${disposition}\r\ncontent-disposition: form-data; name="x"`, "m")),
  "a head with a folded line": whole(part('Content-Disposition: form-data;\r\n name="model"', "m")),
  "a head with a bare carriage return": whole(part(`${disposition}\rX: y`, "m")),
  "a head with a NUL": whole(part(`${disposition}; filename="\0"`, "m")),
  "a head with a space before the colon": whole(part('Content-Disposition : form-data; name="model"', "m")),
  "a head without end": whole(part(`${disposition}\r\nX: ${"y".repeat(5000)}`, "m")),
  "a head of many lines": whole(part(`${disposition}${"\r\nX".repeat(20)}`, "m")),
  "parts within a part": whole(
    part('Content-Disposition: form-data; name="x"\r\nContent-Type: multipart/mixed; boundary=y', ""),
  ),
  "a length that is too short": whole(part(`${disposition}\r\nContent-Length: 1`, "mm")),
  "a length that is too long": whole(part(`${disposition}\r\nContent-Length: 200`, "mm")),
  "a length that is no number": whole(part(`${disposition}\r\nContent-Length: 0x2`, "mm")),
  "a thousand fields": whole(...Array.from({ length: 1000 }, (_, index) => field(`x${index}`, "1"))),
  "a part that begins with its delimiter": Buffer.from(`--${boundary}\r\n${disposition}\r\n\r\n--${boundary}--\r\n`),
};

function isRefusal(error: unknown): boolean {
  return error instanceof AppError && error.code === "invalid_form";
}

describe("a form is refused that holds", () => {
  for (const [name, bytes] of Object.entries(hostile)) {
    test(name, () => {
      assert.throws(() => read([bytes]), isRefusal, "in one piece");
      assert.throws(() => read(Array.from(bytes, (byte) => Buffer.from([byte]))), isRefusal, "byte by byte");
    });
  }
});

test("a form changed anywhere is read the same however it is split, or refused", () => {
  const edits = fc.array(
    fc.record({
      at: fc.nat(),
      put: fc.constantFrom("", "\r", "\n", "\r\n", "-", "--", '"', ";", ":", " ", "\0", boundary),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const outcome = (chunks: readonly Buffer[], bytes: Buffer): unknown => {
    try {
      return found(read(chunks), bytes);
    } catch (thrown) {
      assert.ok(isRefusal(thrown), String(thrown));
      return "refused";
    }
  };
  let refused = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(good)),
      edits,
      fc.array(fc.nat(), { maxLength: 8 }),
      (form, changes, cuts) => {
        let bytes = form;
        for (const { at, put } of changes) {
          const from = at % bytes.length;
          bytes = Buffer.concat([bytes.subarray(0, from), Buffer.from(put), bytes.subarray(from + (at % 2))]);
        }
        const places = [...cuts.map((cut) => cut % bytes.length), bytes.length].toSorted((one, other) => one - other);
        const chunks = places.map((place, index) => bytes.subarray(places[index - 1] ?? 0, place));
        const expected = outcome([bytes], bytes);
        if (expected === "refused") refused++;
        assert.deepEqual(outcome(chunks, bytes), expected);
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(refused > 500, `only ${refused} of 3000 were refused`);
});

describe("a boundary", () => {
  test("is taken as the header states it", () => {
    assert.equal(boundaryOf("multipart/form-data; boundary=abc"), "abc");
    assert.equal(boundaryOf('Multipart/Form-Data;charset=utf-8; Boundary="a:b=c?"'), "a:b=c?");
  });

  for (const type of [
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary=""',
    "multipart/form-data; boundary=a; boundary=b",
    "multipart/form-data; boundary*=utf-8''abc",
    "multipart/form-data; boundary=a b",
    'multipart/form-data; boundary="a b"',
    'multipart/form-data; boundary="a\\"b"',
    "multipart/form-data; boundary=ä",
    `multipart/form-data; boundary=${"a".repeat(71)}`,
  ]) {
    test(`is not guessed from \`${type.slice(0, 60)}\``, () => assert.throws(() => boundaryOf(type), isRefusal));
  }

  test("of another kind of body is none", () => {
    for (const type of [
      undefined,
      "application/json",
      "multipart/mixed; boundary=a",
      "multipart/form-data boundary=a",
      "text/plain; x=multipart/form-data",
    ]) {
      assert.throws(
        () => boundaryOf(type),
        (error) => error instanceof AppError && error.code === "unsupported_media_type",
      );
    }
  });
});

describe("a part", () => {
  const others = "no line end behind the last delimiter";
  for (const [name, bytes] of Object.entries(good).filter(([name]) => name !== others)) {
    test(`can be taken out and leaves a form: ${name}`, () => {
      const form = read([bytes]);
      for (const [index, { name: taken, at, whole: all }] of form.parts.entries()) {
        assert.ok(all.start < at.start && at.end + 2 === all.end);
        const rest = form.parts.filter((_, other) => other !== index);
        const left = without(form, index, bytes);
        const contents = (parts: Form["parts"], source: Buffer) =>
          parts.map(({ name, isFile, at: { start, end } }) => [name, isFile, source.toString("latin1", start, end)]);
        if (rest.length > 0) assert.deepEqual(contents(read([left]).parts, left), contents(rest, bytes), taken);
      }
    });
  }
});
