import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { endpoints, type ErrorCode } from "@portcullis/contract";
import { openGate, send, type Reply } from "../support/gateway.ts";
import { ask, assertRefused, dialectIds, minimal, modelFor, until, type DialectId } from "./ask.ts";

/*
 * What is wrong with a request is said in the caller's dialect, and a provider never sees it: what two programs could read
 * in two ways is not passed on.
 */

const limitBytes = 64 * 1024;
const gate = await openGate({
  config: `server:\n  body_limit_bytes: ${limitBytes}\n  head_timeout: 1s\n  body_timeout: 1s\n`,
});

const post = (dialect: DialectId, body: string | Buffer, headers: Record<string, string | null> = {}): Promise<Reply> =>
  send(gate.url + minimal[dialect].path, "POST", gate.key, { ...minimal[dialect].headers, ...headers }, body);

/** A request that is good but for what `members` adds to it. */
const around = (dialect: DialectId, members: string): string =>
  `{"model":"${modelFor(dialect)}",${members},${JSON.stringify(minimal[dialect].body("hello")).slice(1)}`;

/** In every dialect: this status, this code, no provider asked. Gives the messages. */
async function assertNeverSent(
  body: (dialect: DialectId) => string | Buffer,
  status: number,
  code: ErrorCode,
  headers: Record<string, string | null> = {},
  ids: readonly DialectId[] = dialectIds,
): Promise<readonly string[]> {
  const before = gate.simulator.stats().requests;
  const messages: string[] = [];
  for (const dialect of ids) {
    messages.push(assertRefused(dialect, await post(dialect, body(dialect), headers), status, code));
  }
  assert.equal(gate.simulator.stats().requests, before);
  return messages;
}

const nested = (depth: number): string => `"x":${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("a body that is not JSON", () => {
  const broken: readonly (readonly [string, (dialect: DialectId) => string | Buffer])[] = [
    ["empty", () => ""],
    ["white space", () => " \n\t"],
    ["cut off", (dialect) => around(dialect, '"x":1').slice(0, -1)],
    ["with something behind its end", (dialect) => `${around(dialect, '"x":1')}{}`],
    ["with a comma too many", (dialect) => around(dialect, '"x":1,')],
    ["with single quotes", (dialect) => around(dialect, "'x':1")],
    ["with a comment", (dialect) => around(dialect, '"x":1/* */')],
    ["a list", (dialect) => `[${around(dialect, '"x":1')}]`],
    ["a string", () => '"model"'],
    ["null", () => "null"],
    ["with NaN", (dialect) => around(dialect, '"x":NaN')],
    ["with a number beyond all numbers", (dialect) => around(dialect, '"x":1e400')],
    ["with such a number deep inside", (dialect) => around(dialect, '"x":[{"y":-1e999}]')],
    ["with a control character in a string", (dialect) => around(dialect, '"x":"a\u0001b"')],
    ["with a zero byte", (dialect) => `${around(dialect, '"x":1')}\0`],
    ["with a bad escape", (dialect) => around(dialect, '"x":"\\x41"')],
    ["with a byte-order mark", (dialect) => `\ufeff${around(dialect, '"x":1')}`],
    ["in Latin-1", (dialect) => Buffer.from(around(dialect, '"x":"ü"'), "latin1")],
    ["in UTF-16", (dialect) => Buffer.from(around(dialect, '"x":1'), "utf16le")],
    ["with half a surrogate pair in bytes", (dialect) => raw(around(dialect, '"x":"?"'), [0xed, 0xa0, 0x80])],
    ["with an overlong slash", (dialect) => raw(around(dialect, '"x":"?"'), [0xc0, 0xaf])],
    ["compressed", (dialect) => gzipSync(around(dialect, '"x":1'))],
  ];

  /** The text with its first question mark replaced by bytes. */
  function raw(text: string, bytes: readonly number[]): Buffer {
    const at = text.indexOf("?");
    return Buffer.concat([Buffer.from(text.slice(0, at)), Buffer.from(bytes), Buffer.from(text.slice(at + 1))]);
  }

  for (const [name, body] of broken) {
    test(name, async () => {
      for (const message of await assertNeverSent(body, 400, "invalid_json")) {
        assert.match(message, /^the request body is not valid JSON: /);
      }
    });
  }
});

describe("a body that could be read in two ways", () => {
  test("with the same deciding field twice, however it is spelt", async () => {
    for (const twice of ['"model":"x"', '"m\\u006fdel":"x"', '"Model":"x"', '"stream":true,"stream":false']) {
      await assertNeverSent((dialect) => around(dialect, twice), 400, "invalid_json");
    }
  });

  test("with a key that becomes a prototype in some programs", async () => {
    for (const key of ['"__proto__":{}', '"\\u005f_proto__":{"model":"x"}', '"x":[{"y":{"__proto__":1}}]']) {
      await assertNeverSent((dialect) => around(dialect, key), 400, "invalid_json");
    }
  });

  test("deeper than anyone means", async () => {
    await assertNeverSent((dialect) => around(dialect, nested(128)), 400, "body_too_deep");
    await assertNeverSent((dialect) => around(dialect, nested(10_000)), 400, "body_too_deep");
    await assertNeverSent((dialect) => around(dialect, `"x":${'{"y":'.repeat(5_000)}`), 400, "body_too_deep");
    const { headers } = await post("openai-chat", around("openai-chat", nested(127)), {
      "x-simulator": '{"lenient":true}',
    });
    assert.equal(headers["x-portcullis-attempts"], "1", "one level less is passed on");
  });
});

describe("a body that says too little", () => {
  const naming = dialectIds.filter((dialect) => dialect !== "gemini"); // whose address says the model

  test("no model", async () => {
    const without = (dialect: DialectId): string => JSON.stringify(minimal[dialect].body("hello"));
    for (const message of await assertNeverSent(without, 400, "missing_field", {}, naming)) {
      assert.equal(message, "the field `model` is required");
    }
    await assertNeverSent(() => "{}", 400, "missing_field", {}, naming);
  });

  test("a model that is no name", async () => {
    for (const model of ["null", "7", '""', '["sim-chat/x"]', '{"id":"sim-chat/x"}', "true", `"${"x".repeat(301)}"`]) {
      const body = (dialect: DialectId): string =>
        `{"model":${model},${JSON.stringify(minimal[dialect].body("hello")).slice(1)}`;
      for (const message of await assertNeverSent(body, 400, "invalid_request", {}, naming)) {
        assert.match(message, /model/);
      }
    }
  });
});

describe("another content type", () => {
  test("is refused: a web page could send it without asking", async () => {
    const good = (dialect: DialectId): string => around(dialect, '"x":1');
    const types = [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "text/json",
      "json",
      null,
    ];
    for (const type of types) {
      const messages = await assertNeverSent(good, 415, "unsupported_media_type", { "content-type": type });
      for (const message of messages) assert.match(message, /Send the header `content-type: application\/json`/);
    }
  });

  test("that is JSON by another name is taken", async () => {
    for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/vnd.house+json"]) {
      const body = JSON.stringify({ model: modelFor("openai-chat"), ...minimal["openai-chat"].body("hello") });
      assert.equal((await post("openai-chat", body, { "content-type": type })).status, 200, type);
    }
  });
});

/** A connection of its own, to write bytes to as no client would. */
async function rawConnection() {
  let received = "";
  const socket = connect({ port: Number(new URL(gate.url).port), host: "127.0.0.1", allowHalfOpen: true });
  socket.on("data", (chunk) => (received += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  let closed = false;
  socket.on("end", () => (closed = true));
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return { socket, received: () => received, closed: () => closed };
}

const head = (dialect: DialectId, framing: string): string =>
  [
    `POST ${minimal[dialect].path} HTTP/1.1`,
    "host: localhost",
    `authorization: Bearer ${gate.key}`,
    "content-type: application/json",
    framing,
    "\r\n",
  ].join("\r\n");

/** The reply in raw bytes, as a `Reply`. */
function parseReply(text: string): Reply {
  const [top = "", body = ""] = text.split("\r\n\r\n");
  const [line = "", ...fields] = top.split("\r\n");
  const headers = Object.fromEntries(
    fields.map((field) => [field.slice(0, field.indexOf(":")).toLowerCase(), field.slice(field.indexOf(":") + 2)]),
  );
  return {
    status: Number(line.split(" ")[1]),
    headers,
    body: Buffer.from(body, "latin1"),
    json: () => JSON.parse(body) as unknown,
  };
}

describe("a body that does not come as announced", () => {
  test("a good one of exactly the limit is taken", async () => {
    const body = around("openai-chat", '"user":"?"');
    const filled = body.replace("?", "x".repeat(limitBytes - body.length + 1));
    assert.equal(filled.length, limitBytes);
    assert.equal((await post("openai-chat", filled)).status, 200);
    assertRefused("openai-chat", await post("openai-chat", `${filled} `), 413, "body_too_large");
  });

  for (const dialect of dialectIds) {
    test(`too large by its own account: refused before it is sent, and the connection closed (${dialect})`, async () => {
      const before = gate.simulator.stats().requests;
      const { socket, received, closed } = await rawConnection();
      socket.write(head(dialect, `content-length: ${limitBytes + 1}`));
      await until("the connection is closed", closed);
      const reply = parseReply(received());
      assert.match(assertRefused(dialect, reply, 413, "body_too_large"), new RegExp(`larger than ${limitBytes} bytes`));
      assert.equal(reply.headers.connection, "close");
      socket.destroy();
      assert.equal(gate.simulator.stats().requests, before);
    });

    test(`too large without saying so: refused where the limit is passed (${dialect})`, async () => {
      const { socket, received, closed } = await rawConnection();
      socket.write(head(dialect, "transfer-encoding: chunked"));
      const chunk = `1000\r\n${" ".repeat(0x1000)}\r\n`;
      for (let sent = 0; sent <= limitBytes; sent += 0x1000) socket.write(chunk);
      await until("the connection is closed", closed);
      assertRefused(dialect, parseReply(received()), 413, "body_too_large");
      socket.destroy();
    });
  }

  test("too slow: refused when its time is over", async () => {
    const connections = await Promise.all(
      dialectIds.map(async (dialect) => {
        const connection = await rawConnection();
        connection.socket.write(`${head(dialect, "content-length: 100")}{"model"`);
        return { dialect, ...connection };
      }),
    );
    for (const { dialect, socket, received, closed } of connections) {
      await until("the connection is closed", closed, 3_000);
      assert.match(assertRefused(dialect, parseReply(received()), 408, "body_timeout"), /within 1 s/);
      socket.destroy();
    }
  });

  test("cut short by the caller: nothing is sent, and the gateway goes on", async () => {
    const before = gate.simulator.stats().requests;
    for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
      for (const framing of ["content-length: 500", "transfer-encoding: chunked"]) {
        const { socket, received, closed } = await rawConnection();
        const begun = around("openai-chat", '"x":1');
        const body = framing.startsWith("content") ? begun : `${begun.length.toString(16)}\r\n${begun}\r\n`;
        socket.write(head("openai-chat", framing) + body, () => socket[leave]());
        if (leave === "end") {
          await until("the connection is closed", closed);
          assert.match(received(), /^HTTP\/1\.1 400 /);
          socket.destroy();
        }
      }
    }
    assert.equal((await ask(gate, "openai-chat")).status, 200);
    assert.equal(gate.simulator.stats().requests, before + 1, "the one good request");
  });

  test("chunked in a way that is none: nothing is sent", async () => {
    const before = gate.simulator.stats().requests;
    for (const chunk of ["zz\r\n{}\r\n0\r\n\r\n", "-1\r\n\r\n", "2\r\n{}x\r\n0\r\n\r\n", "ffffffffffffffffff\r\n{}"]) {
      const { socket, received, closed } = await rawConnection();
      socket.write(head("openai-chat", "transfer-encoding: chunked") + chunk);
      await until("the connection is closed", closed);
      assert.match(received(), /^HTTP\/1\.1 4\d\d /, chunk);
      socket.destroy();
    }
    assert.equal(gate.simulator.stats().requests, before);
  });
});

test("a refused request leaves the connection good for the next one", async () => {
  const { socket, received } = await rawConnection();
  const bad = "{oops";
  const good = JSON.stringify({ model: modelFor("openai-chat"), ...minimal["openai-chat"].body("hello") });
  socket.write(head("openai-chat", `content-length: ${bad.length}`) + bad);
  await until("the bad one is answered", () => received().includes("invalid_json"));
  socket.write(head("openai-chat", `content-length: ${good.length}`) + good);
  await until("the good one is served", () => received().includes('"finish_reason":"stop"'));
  socket.destroy();
});

test("refused requests of a known key have a row, without cost", async () => {
  await post("anthropic-messages", "{oops");
  const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
  const [row] = data;
  assert.deepEqual(
    [row?.outcome, row?.status, row?.error_code, row?.key_id, row?.cost_micros, row?.attempts],
    ["refused", 400, "invalid_json", gate.keyId, 0, 0],
  );
});
