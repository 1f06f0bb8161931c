import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readPlainHead } from "./head.ts";

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");
/** Line ends as `\n`; what is already CR LF stays. */
const wire = (text: string): Buffer => bytesOf(text.replaceAll(/\r?\n/g, "\r\n"));

const head = "POST /v1/messages?beta=true HTTP/1.1\nHost: localhost\nContent-Length: 12\nX-Name:  two words \n\n";

function read(bytes: Buffer) {
  const found = readPlainHead(bytes);
  assert.ok(found !== undefined, JSON.stringify(bytes.toString("latin1", 0, 200)));
  return found;
}

describe("of a plain head is read", () => {
  test("the target, and the path without its query", () => {
    const { url, path } = read(wire(head)).head;
    assert.deepEqual([url, path], ["/v1/messages?beta=true", "/v1/messages"]);
    const bare = read(wire("POST / HTTP/1.1\nContent-Length: 0\n\n")).head;
    assert.deepEqual([bare.url, bare.path], ["/", "/"]);
  });

  test("every header but the length, without the blanks around its value, as it was spelled and in lower case", () => {
    const { rawHeaders, headers } = read(wire(head)).head;
    assert.deepEqual(rawHeaders, ["Host", "localhost", "X-Name", "two words"]);
    assert.deepEqual({ ...headers }, { host: "localhost", "x-name": "two words" });
  });

  test("where its body lies, whether that has come or not", () => {
    const bytes = wire(head);
    const place = { start: bytes.length, end: bytes.length + 12 };
    assert.deepEqual(read(bytes).body, place);
    assert.deepEqual(read(Buffer.concat([bytes, Buffer.from("twelve bytes and more")])).body, place);
  });

  test("no more than what was there: bytes that change afterwards change nothing", () => {
    const bytes = wire(head);
    const found = read(bytes).head;
    bytes.fill(0);
    assert.deepEqual(found.again(wire(head)), { start: wire(head).length, end: wire(head).length + 12 });
    assert.equal(found.again(bytes), undefined);
  });

  test("a header that has the name of what every object has", () => {
    const names = ["constructor", "toString", "hasOwnProperty", "valueOf"];
    const lines = names.map((name) => `${name}: ${name}`).join("\n");
    const { headers, rawHeaders } = read(wire(`POST / HTTP/1.1\n${lines}\nContent-Length: 0\n\n`)).head;
    assert.deepEqual(Object.keys(headers), ["constructor", "tostring", "hasownproperty", "valueof"]);
    assert.equal(rawHeaders.length, 8);
    assert.equal(readPlainHead(wire(`POST / HTTP/1.1\n${lines}\n${lines}\nContent-Length: 0\n\n`)), undefined);
  });
});

describe("a head is known again", () => {
  const known = read(wire(head)).head;
  const lengthAt = head.indexOf("12");
  const withLength = (digits: string): Buffer =>
    Buffer.concat([wire(head.slice(0, lengthAt)), bytesOf(digits), wire(head.slice(lengthAt + 2))]);
  const sizeOf = (digits: string): number | undefined => {
    const place = known.again(withLength(digits));
    return place && place.end - place.start;
  };

  const lengthInWire = wire(head).indexOf("12");
  /** What reading says, of bytes that differ from the head in the digits of the length only. */
  const sameHead = (bytes: Buffer): unknown => {
    const found = readPlainHead(bytes);
    const withoutLength = (text: string): string => text.replace(/(?<=Content-Length: )\d+(?=\r)/, "");
    const same = withoutLength(bytes.toString("latin1", 0, found?.body.start)) === withoutLength(wire(head).toString());
    return same ? found?.body : undefined;
  };

  test("with any length that could stand in it", () => {
    for (const size of [0, 1, 9, 10, 12, 99, 100, 65_536, 999_999, 9_999_999]) {
      const bytes = withLength(String(size));
      assert.deepEqual(known.again(bytes), { start: bytes.length, end: bytes.length + size });
      assert.deepEqual(known.again(bytes), readPlainHead(bytes)?.body);
    }
  });

  test("with its body behind it, or the beginning of that", () => {
    const bytes = Buffer.concat([withLength("3"), Buffer.from("abcPOST /")]);
    const { start, end } = known.again(bytes) ?? assert.fail();
    assert.equal(bytes.toString("latin1", start, end), "abc");
    assert.deepEqual(known.again(bytes.subarray(0, start + 1)), { start, end });
  });

  test("if the length was its last header, or its first", () => {
    for (const text of [
      "POST / HTTP/1.1\nHost: x\nContent-Length:7\n\n",
      "POST / HTTP/1.1\nContent-Length: 7\nHost: x\n\n",
    ]) {
      const found = read(wire(text)).head;
      const bytes = wire(text.replace("7", "123"));
      assert.deepEqual(found.again(bytes), { start: bytes.length, end: bytes.length + 123 });
      assert.equal(found.again(wire(text.replace("7", ""))), undefined);
    }
  });

  const odd: readonly string[] = [
    "",
    " ",
    "00",
    "01",
    "012",
    "0000000",
    "+1",
    "-1",
    "-",
    "1 ",
    " 1",
    "1 2",
    "1,2",
    "1, 1",
    "1.0",
    "1e3",
    "0x1",
    "1_000",
    "10000000",
    "12345678",
    "99999999999999999999",
    "18446744073709551617",
    "1\0",
    "\xb2",
    "1\xb2",
    "/",
    ":",
    "1\r\nContent-Length: 2",
    "1\r\nX: y",
    "1\r",
    "1\n",
    "a",
  ];
  for (const digits of odd) {
    test(`not with the length ${JSON.stringify(digits)}`, () => assert.equal(sizeOf(digits), undefined));
  }

  test("not if any one byte of it is another, whatever it is instead", () => {
    const bytes = wire(head);
    for (let at = 0; at < bytes.length; at += 1) {
      if (at === lengthInWire || at === lengthInWire + 1) continue;
      const before = bytes[at] ?? 0;
      for (let other = 0; other < 256; other += 1) {
        if (other === before) continue;
        bytes[at] = other;
        assert.equal(known.again(bytes), undefined, `${other} at ${at}`);
      }
      bytes[at] = before;
    }
    assert.notEqual(known.again(bytes), undefined);
  });

  test("and a byte of the length that is another is read as one, or not at all", () => {
    for (const at of [lengthInWire, lengthInWire + 1]) {
      for (let other = 0; other < 256; other += 1) {
        const bytes = wire(head);
        bytes[at] = other;
        const isBlank = other === 9 || other === 32; // which reading takes off, and knowing again does not
        assert.deepEqual(known.again(bytes), isBlank ? undefined : readPlainHead(bytes)?.body, `${other} at ${at}`);
      }
    }
  });

  test("not if a byte is missing or one too many, wherever", () => {
    const bytes = wire(head);
    for (let at = 0; at < bytes.length; at += 1) {
      const without = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1), Buffer.from("body of a request")]);
      assert.deepEqual(known.again(without), sameHead(without), `without the byte at ${at}`);
      for (const extra of ["\r", "\n", " ", "0", "1", "\0", "a"]) {
        const longer = Buffer.concat([bytes.subarray(0, at), bytesOf(extra), bytes.subarray(at), Buffer.from("body")]);
        assert.deepEqual(known.again(longer), sameHead(longer), `${JSON.stringify(extra)} at ${at}`);
      }
    }
  });

  test("not before it has come whole", () => {
    const bytes = wire(head);
    for (let size = 0; size < bytes.length; size += 1) assert.equal(known.again(bytes.subarray(0, size)), undefined);
    assert.notEqual(known.again(bytes), undefined);
  });
});

describe("a head is not read here that", () => {
  const withLine = (line: string): string => `POST / HTTP/1.1\nHost: localhost\n${line}\nContent-Length: 3\n\n`;
  const withRequestLine = (line: string): string => `${line}\nHost: localhost\nContent-Length: 3\n\n`;
  const withLength = (...lines: readonly string[]): string =>
    `POST / HTTP/1.1\nHost: localhost\n${lines.map((line) => `${line}\n`).join("")}X: y\n\n`;
  const oddBytes = [...Array(32).keys(), 0x7f, 0x80, 0xa0, 0xff].filter((byte) => byte !== 9 && byte !== 10);

  const cases: readonly (readonly [reason: string, head: string])[] = [
    ["is none", ""],
    ["is an empty line", "\n\n"],
    ["has an empty line before it", `\n${withLine("X: y")}`],
    ["has a blank before it", ` ${withLine("X: y")}`],
    ["has no header", "POST / HTTP/1.1\n\n"],
    ...[
      "GET",
      "HEAD",
      "PUT",
      "PATCH",
      "DELETE",
      "OPTIONS",
      "CONNECT",
      "PRI",
      "post",
      "Post",
      "POSTS",
      "POS",
      "",
      "XPOST",
    ].map((method) => [`asks for ${JSON.stringify(method)}`, withRequestLine(`${method} / HTTP/1.1`)] as const),
    ...[
      "HTTP/1.0",
      "HTTP/2.0",
      "HTTP/1.2",
      "HTTP/0.9",
      "http/1.1",
      "HTTP/1.10",
      "HTTP/1.1 ",
      "HTTP/11",
      "HTTPS/1.1",
      "ICE/1.0",
      "",
    ].map((version) => [`is of ${JSON.stringify(version)}`, withRequestLine(`POST / ${version}`)] as const),
    ["says no version", withRequestLine("POST /")],
    ...[
      "*",
      "v1/messages",
      "http://localhost/",
      "https://localhost/v1/messages",
      "//",
      "localhost:80",
      "",
      "?x",
      "\\",
      "#x",
    ]
      .filter((target) => !target.startsWith("/"))
      .map(
        (target) => [`has the target ${JSON.stringify(target)}`, withRequestLine(`POST ${target} HTTP/1.1`)] as const,
      ),
    ["has a blank in its target", withRequestLine("POST /a b HTTP/1.1")],
    ["has a tab in its target", withRequestLine("POST /a\tb HTTP/1.1")],
    ["has two blanks behind its method", withRequestLine("POST  / HTTP/1.1")],
    ["has two blanks behind its target", withRequestLine("POST /  HTTP/1.1")],
    ["has a tab behind its method", withRequestLine("POST\t/ HTTP/1.1")],
    ...oddBytes.map((byte) => {
      const name = `has the byte ${byte} in its target`;
      return [name, withRequestLine(`POST /a${String.fromCharCode(byte)}b HTTP/1.1`)] as const;
    }),
    ...oddBytes.map((byte) => {
      return [`has the byte ${byte} in a value`, withLine(`X: a${String.fromCharCode(byte)}b`)] as const;
    }),
    ...[...oddBytes, ...bytesOf(' \t"(),/:;<=>?@[\\]{}')]
      .filter((byte) => byte !== 58)
      .map((byte) => {
        return [`has the byte ${byte} in a name`, withLine(`X${String.fromCharCode(byte)}Y: a`)] as const;
      }),
    ["has a blank before a colon", withLine("X : y")],
    ["has a tab before a colon", withLine("X\t: y")],
    ["has a blank before a name", withLine(" X: y")],
    ["has a line that goes on behind a blank", withLine("X: y\n z")],
    ["has a line that goes on behind a tab", withLine("X: y\n\tz")],
    ["has a length that goes on in the next line", withLength("Content-Length: 3\n 0")],
    ["has an empty name", withLine(": y")],
    ["has a line without a colon", withLine("X")],
    ["has a header twice", withLine("X: y\nX: y")],
    ["has a header twice, spelled in two ways", withLine("X-Name: y\nx-nAME: z")],
    ["has a Host twice", withLine("host: localhost")],
    ["has a key twice", withLine("Authorization: a\nauthorization: b")],
    ["has a cookie twice", withLine("Cookie: a\nCookie: b")],
    ["states no length", withLength()],
    ["states its length twice", withLength("Content-Length: 3", "Content-Length: 3")],
    ["states its length twice, spelled in two ways", withLength("Content-Length: 3", "content-length: 3")],
    ["states two lengths", withLength("Content-Length: 3", "Content-Length: 4")],
    ...[
      "",
      " ",
      "+3",
      "-3",
      "-0",
      "3,3",
      "3, 3",
      "3 3",
      "0x3",
      "03",
      "00",
      "3.0",
      "3e0",
      '"3"',
      "3;",
      "three",
      "3\t",
      "\t3",
      "10000000",
      "99999999999999999999",
      "18446744073709551619",
    ].map(
      (length) => [`states the length ${JSON.stringify(length)}`, withLength(`Content-Length: ${length}`)] as const,
    ),
    ["states its length behind a blank in the name", withLength("Content-Length : 3")],
    ["states its length in a header of almost the name", withLength("Content-Length-: 3")],
    ["comes in chunks", withLength("Transfer-Encoding: chunked")],
    ["comes in chunks and states a length", withLine("Transfer-Encoding: chunked")],
    ["comes in an encoding without a name", withLine("Transfer-Encoding:")],
    ["comes in an encoding spelled in capitals", withLine("TRANSFER-ENCODING: identity")],
    ["expects to be asked for its body", withLine("Expect: 100-continue")],
    ["expects something, spelled in another way", withLine("eXPECT: x")],
    ["wants another protocol", withLine("Upgrade: h2c")],
    ["wants HTTP/2", withLine("HTTP2-Settings: AAMAAABk")],
    ["wants its connection closed", withLine("Connection: close")],
    ["wants its connection closed, spelled in capitals", withLine("CONNECTION: CLOSE")],
    ["says of its connection what another header says", withLine("Proxy-Connection: keep-alive")],
    ["has a header that Node gives as a list", withLine("Set-Cookie: a=b")],
    ["names a header in Connection", withLine("Connection: keep-alive, authorization")],
    ["has an empty Connection", withLine("Connection:")],
    ["wants an upgrade", withLine("Connection: Upgrade")],
    ["takes trailers", withLine("TE: trailers")],
    ["announces a trailer", withLine("Trailer: X")],
    ["has a name that is no key of an object", withLine("__proto__: y")],
    ["has that name in capitals", withLine("__PROTO__: y")],
  ];
  for (const [reason, text] of cases) {
    test(reason, () => {
      assert.equal(readPlainHead(wire(text)), undefined);
      assert.equal(readPlainHead(Buffer.concat([wire(text), Buffer.from("abc")])), undefined, "with a body behind it");
    });
  }

  test("has a line that ends with LF, CR, or both the wrong way round", () => {
    const plain = withLine("X: y").split("\n");
    for (const [index, line] of plain.entries()) {
      if (index === plain.length - 1) continue; // behind the last line end
      for (const end of ["\n", "\r", "\n\r", "\r\r\n", "\n\n", "\r\n\r", "\0\r\n"]) {
        if (line === "" && end.startsWith("\r\n")) continue; // the head is over before what is odd
        const parts = plain.map((part, at) => (at === plain.length - 1 ? part : part + (at === index ? end : "\r\n")));
        assert.equal(readPlainHead(bytesOf(parts.join(""))), undefined, `${line} ${JSON.stringify(end)}`);
      }
    }
  });

  test("is longer than 16 KiB, and one that is not is", () => {
    const ofSize = (size: number): Buffer => {
      const rest = wire(withLine("X: ")).length;
      return wire(withLine(`X: ${"y".repeat(size - rest)}`));
    };
    assert.equal(read(ofSize(16 * 1024)).body.start, 16 * 1024);
    assert.equal(readPlainHead(ofSize(16 * 1024 + 5)), undefined);
    assert.equal(readPlainHead(ofSize(64 * 1024)), undefined);
  });

  test("is not whole", () => {
    const bytes = wire(withLine("X: y"));
    for (let size = 0; size < bytes.length; size += 1) assert.equal(readPlainHead(bytes.subarray(0, size)), undefined);
    assert.notEqual(readPlainHead(bytes), undefined);
  });
});
