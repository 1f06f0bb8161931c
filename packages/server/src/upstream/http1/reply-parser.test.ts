import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ReplyParser } from "./reply-parser.ts";

interface Read {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly ended: boolean;
  readonly surplus: boolean;
  readonly problem: string | undefined;
}

/** Reads the pieces one after the other, out of memory that is overwritten after each. */
function readAll(pieces: readonly Buffer[], closes = false): Read {
  const parser = new ReplyParser();
  const memory = Buffer.alloc(128 * 1024, "\r\n\r\n0\r\n\r\n");
  const body: Buffer[] = [];
  let surplus = false;
  for (const piece of pieces) {
    if (parser.problem !== undefined) break;
    if (parser.ended) {
      surplus = true;
      break;
    }
    piece.copy(memory);
    parser.read(memory, piece.length);
    memory.fill("\r\n", 0, piece.length);
    if (parser.data !== undefined) body.push(parser.data);
  }
  if (closes && parser.problem === undefined) parser.end();
  return {
    status: parser.head?.status,
    headers: { ...parser.head?.headers },
    body: Buffer.concat(body).toString("latin1"),
    ended: parser.ended,
    surplus: surplus || parser.surplus,
    problem: parser.problem?.message,
  };
}

function read(text: string, closes = false): Read {
  return readAll([Buffer.from(text, "latin1")], closes);
}

const ok = "HTTP/1.1 200 OK\r\n";
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;

const replies: Readonly<Record<string, string>> = {
  "with a length": `${ok}Content-Length: 5\r\nX-One: 1\r\nx-one: 2\r\n\r\nhello`,
  "without a body": "HTTP/1.1 204 No Content\r\n\r\n",
  empty: `${ok}content-length: 0\r\n\r\n`,
  "in chunks": `${chunked}5\r\nhello\r\nA;name="va lue"\r\n0123456789\r\n0\r\n\r\n`,
  "in chunks with a trailer": `${chunked}1\r\nx\r\n0\r\nExpires: never\r\nx: y\r\n\r\n`,
  "after interim replies": `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok}content-length: 2\r\n\r\nok`,
  "without a reason": "HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx",
};

describe("a reply is read the same in whatever pieces it comes", () => {
  for (const [name, text] of Object.entries(replies)) {
    test(name, () => {
      const bytes = Buffer.from(text, "latin1");
      const whole = readAll([bytes]);
      assert.deepEqual([whole.ended, whole.surplus, whole.problem], [true, false, undefined]);
      const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 });
      fc.assert(
        fc.property(cuts, (places) => {
          const ends = [...places.toSorted((one, other) => one - other), bytes.length];
          const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
          assert.deepEqual(readAll(pieces), whole);
        }),
      );
      assert.deepEqual(readAll(Array.from(bytes, (byte) => Buffer.of(byte))), whole);
    });
  }
});

test("no header's name means anything", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const { headers } = read(`${ok}${names.map((name) => `${name}: 1\r\n${name}: 2\r\n`).join("")}\r\n`, true);
  for (const name of names)
    assert.deepEqual(Object.getOwnPropertyDescriptor(headers, name.toLowerCase())?.value, ["1", "2"]);
});

test("fields are named in lower case, and those that come twice are kept both", () => {
  const { headers, body } = read(replies["with a length"] ?? "");
  assert.deepEqual({ ...headers }, { "content-length": "5", "x-one": ["1", "2"] });
  assert.equal(body, "hello");
});

test("a reply without a length or chunks ends with its connection, and not before", () => {
  const text = `${ok}\r\nhalf a`;
  assert.deepEqual([read(text).ended, read(text).body], [false, "half a"]);
  assert.equal(read(text, true).ended, true);
  assert.equal(read(`${ok}content-length: 9\r\n\r\nhalf`, true).ended, false);
  assert.equal(read(`${chunked}5\r\nhello\r\n`, true).ended, false);
});

test("what comes behind a reply is told apart from it", () => {
  for (const text of Object.values(replies)) {
    const { body } = read(text);
    const more = read(`${text}HTTP/1.1 200 OK\r\n\r\n`);
    assert.deepEqual([more.body, more.ended, more.surplus], [body, true, true]);
  }
});

describe("what two readers could take differently is refused", () => {
  const heads: Readonly<Record<string, string>> = {
    "no HTTP": "SSH-2.0-OpenSSH_9.2\r\n",
    "another HTTP": "HTTP/2 200 OK\r\n\r\n",
    "a status that is none": "HTTP/1.1 2000 OK\r\n\r\n",
    "bare line feeds": "HTTP/1.1 200 OK\ncontent-length: 2\n\nok\r\n\r\n",
    "a bare carriage return in a value": `${ok}x: a\rb\r\n\r\n`,
    "a null in a value": `${ok}x: a\0b\r\n\r\n`,
    "a folded line": `${ok}x: a\r\n b\r\n\r\n`,
    "a space before the colon": `${ok}content-length : 2\r\n\r\nok`,
    "a field without a name": `${ok}: x\r\n\r\n`,
    "a line without a colon": `${ok}content-length 2\r\n\r\nok`,
    "two lengths": `${ok}content-length: 2\r\ncontent-length: 2\r\n\r\nok`,
    "a length that is none": `${ok}content-length: +2\r\n\r\nok`,
    "lengths in one field": `${ok}content-length: 2, 2\r\n\r\nok`,
    "a length beside chunks": `${ok}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok`,
    "a coding behind chunks": `${ok}transfer-encoding: chunked, gzip\r\n\r\nok`,
    "another coding": `${ok}transfer-encoding: gzip\r\n\r\nok`,
    "two codings": `${ok}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    "a change of protocol": "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n",
    "a head past its bound": `${ok}x: ${"y".repeat(33 * 1024)}\r\n\r\n`,
    "a head without an end": `${ok}${"x: y\r\n".repeat(10_000)}`,
    "interim replies without end": "HTTP/1.1 100 Continue\r\n\r\n".repeat(40),
  };
  for (const [name, text] of Object.entries(heads)) {
    test(name, () => {
      const bytes = Buffer.from(text, "latin1");
      const cut = Math.floor(bytes.length / 3);
      for (const pieces of [[bytes], [bytes.subarray(0, cut), bytes.subarray(cut)]]) {
        const found = readAll(pieces);
        assert.equal(typeof found.problem, "string");
        assert.deepEqual([found.status, found.body, found.ended], [undefined, "", false]);
      }
    });
  }

  const bodies: Readonly<Record<string, string>> = {
    "a size that is none": "xyz\r\n",
    "a negative size": "-1\r\n",
    "a size with a sign of its base": "0x5\r\nhello\r\n",
    "a size past all bounds": `${"f".repeat(17)}\r\n`,
    "a size and a bare line feed": "5\nhello\r\n",
    "an empty line for a size": "\r\n",
    "a chunk longer than its size": "5\r\nhello!\r\n",
    "an extension without end": `5;${"x".repeat(1_000)}\r\n`,
    "a trailer without end": `0\r\n${"x: y\r\n".repeat(10_000)}`,
  };
  for (const [name, text] of Object.entries(bodies)) {
    test(`in chunks: ${name}; what came before counts`, () => {
      const found = read(`${chunked}4\r\ngood\r\n${text}`);
      assert.equal(typeof found.problem, "string");
      assert.deepEqual([found.status, found.body.slice(0, 4), found.ended], [200, "good", false]);
    });
  }
});

test("nothing of a reply lies in the memory it was read from", () => {
  const parser = new ReplyParser();
  const memory = Buffer.from(`${ok}content-length: 10\r\n\r\nhello`, "latin1");
  parser.read(memory, memory.length);
  const { data } = parser;
  memory.fill(0);
  assert.equal(data?.toString(), "hello");
});

test("one parser reads reply after reply, and none depends on the one before", () => {
  const parser = new ReplyParser();
  const texts = Object.values(replies);
  for (const text of [...texts, ...texts, ...texts.toReversed(), ...texts.flatMap((each) => [each, each])]) {
    parser.reset();
    const bytes = Buffer.from(text, "latin1");
    parser.read(bytes, bytes.length);
    assert.deepEqual([parser.ended, parser.problem], [true, undefined]);
    const alone = read(text);
    assert.deepEqual([parser.head?.status, { ...parser.head?.headers }], [alone.status, alone.headers]);
  }
});

test("a line that goes on otherwise than in the reply before is another line", () => {
  const parser = new ReplyParser();
  const headers = ["x-one: 1", "x-one: 12", "x-one: 1", "x-onerous: 1", "x-one:1", "x-one: 1\r\nx-one: 2", "x-two: 1"];
  for (const lines of [...headers, ...headers.toReversed()]) {
    const text = `${ok}content-length: 0\r\n${lines}\r\n\r\n`;
    parser.reset();
    parser.read(Buffer.from(text), text.length);
    assert.deepEqual({ ...parser.head?.headers }, read(text).headers);
  }
});
