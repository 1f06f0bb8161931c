import assert from "node:assert/strict";
import { request } from "node:http";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { endpoints, type ErrorCode, type RequestRow } from "@portcullis/contract";
import { openGate, type Gate, type Reply } from "../support/gateway.ts";
import {
  chatEvents,
  chatReply,
  chunked,
  jsonHead,
  startRawUpstream,
  streamHead,
  wholeReply,
  wholeStream,
  type RawUpstream,
  type Speak,
} from "../support/raw-upstream.ts";
import { assertRefused, until } from "./ask.ts";

/*
 * A provider that sends what no provider should: too much, too little, too slowly, at the wrong time. Memory stays
 * bounded, the caller learns what happened in its own dialect, the row says the same and charges what was really had, and
 * other requests over the same connections come to no harm.
 */

const cases = new Map<string, Speak>();
let upstream: RawUpstream;
let gate: Gate;

before(async () => {
  upstream = await startRawUpstream(cases, (socket, whole) => void whole.then(() => socket.write(wholeReply)));
  gate = await openGate({
    logLevel: "error",
    environment: { PORTCULLIS_UPSTREAM_FIRST_BYTE_TIMEOUT: "3s", PORTCULLIS_UPSTREAM_IDLE_TIMEOUT: "3s" },
  });
  const input = { id: "hostile", dialect: "openai-chat", base_url: upstream.url, allow_private: true } as const;
  await gate.admin.call(endpoints.providers.create, { input: { ...input, api_key: gate.providerKey } });
});
after(() => upstream.close());

const body = { model: "hostile/m", messages: [{ role: "user", content: "hello" }] };

const streamed = { stream: true, stream_options: { include_usage: true } };

/** Sends one request whose provider behaves as told. */
function meet(name: string, speak: Speak, asked: object = {}): Promise<Reply> {
  cases.set(name, speak);
  return gate.post("/v1/chat/completions", { ...body, ...asked }, { "x-case": name });
}

async function rowOf(reply: Pick<Reply, "headers">): Promise<RequestRow> {
  const params = { id: String(reply.headers["x-request-id"]) };
  await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } }); // waits for what is not settled yet
  return gate.admin.call(endpoints.requests.get, { params });
}

/** Says this once the request has come whole. */
const says =
  (...texts: readonly (string | Buffer)[]): Speak =>
  (socket, whole) =>
    void whole.then(() => {
      for (const text of texts) socket.write(text);
    });

/** Writes the same over and over until the connection is gone. */
function saysForEver(start: string, again: string): Speak {
  const block = again.repeat(Math.ceil(65_536 / again.length));
  return (socket, whole) =>
    void whole.then(() => {
      socket.write(start);
      const go = (): void => {
        while (!socket.destroyed && socket.write(block));
      };
      socket.on("drain", go);
      go();
    });
}

async function assertFree(reply: Reply, code: ErrorCode): Promise<void> {
  const { outcome, error_code, usage_source, input_tokens, output_tokens, cost_micros } = await rowOf(reply);
  assert.deepEqual(
    { outcome, error_code, usage_source, input_tokens, output_tokens, cost_micros },
    {
      outcome: "upstream_error",
      error_code: code,
      usage_source: "reported",
      input_tokens: 0,
      output_tokens: 0,
      cost_micros: 0,
    },
  );
}

async function assertReported(reply: Reply): Promise<void> {
  const { outcome, usage_source, input_tokens, output_tokens } = await rowOf(reply);
  assert.deepEqual([outcome, usage_source, input_tokens, output_tokens], ["ok", "reported", 11, 7]);
}

describe("what is no head of a reply is 502, charged nothing, and the connection is closed", () => {
  const heads: Readonly<Record<string, readonly [Speak, ErrorCode]>> = {
    "endless headers": [saysForEver("HTTP/1.1 200 OK\r\n", "x-more: of the same\r\n"), "upstream_unreadable"],
    "one endless header": [saysForEver("HTTP/1.1 200 OK\r\nx-long: ", "longer and "), "upstream_unreadable"],
    "thirty thousand empty headers": [says(`HTTP/1.1 200 OK\r\n${"a:\r\n".repeat(33_000)}\r\n`), "upstream_unreadable"],
    "ten thousand times 100": [says("HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000), wholeReply), "upstream_unreadable"],
    "ten thousand times 102": [
      says("HTTP/1.1 102 Processing\r\n\r\n".repeat(10_000), wholeReply),
      "upstream_unreadable",
    ],
    "ten thousand times 103": [
      says("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(10_000), wholeReply),
      "upstream_unreadable",
    ],
    "another protocol": [
      says("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
      "upstream_unreadable",
    ],
    "no HTTP": [says("SSH-2.0-OpenSSH_9.9\r\n"), "upstream_unreadable"],
    "a status of one digit": [says("HTTP/1.1 2 OK\r\n\r\n"), "upstream_unreadable"],
    "a negative length": [says("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"), "upstream_unreadable"],
    "two lengths": [
      says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk"),
      "upstream_unreadable",
    ],
    "a length and chunks": [
      says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
      "upstream_unreadable",
    ],
    "a header with a line break": [says("HTTP/1.1 200 OK\r\nx-a: b\rc: d\r\n\r\n"), "upstream_unreadable"],
    "a coding that nobody reads": [
      says("HTTP/1.1 200 OK\r\ncontent-encoding: zip\r\ncontent-length: 2\r\n\r\nok"),
      "upstream_unreadable",
    ],
    "a close without a word": [(socket, whole) => void whole.then(() => socket.end()), "upstream_unreachable"],
  };
  for (const [name, [speak, code]] of Object.entries(heads)) {
    test(name, async () => {
      const reply = await meet(name, speak);
      assertRefused("openai-chat", reply, 502, code);
      await assertFree(reply, code);
      await assertReported(await meet("usual", says(wholeReply)));
    });
  }
});

describe("a reply that is not what its head says is broken: 502 for a plain one, an error event in a stream", () => {
  const plain: Readonly<Record<string, Speak>> = {
    "a length that is too large": (socket, whole) =>
      void whole.then(() => socket.end(jsonHead(chatReply.length + 1) + chatReply)),
    "a chunk size that is no number": says(
      `${streamHead.replace("text/event-stream", "application/json")}zz\r\n${chatReply}`,
    ),
    "a chunk size past all bounds": says(
      `${streamHead.replace("text/event-stream", "application/json")}fffffffffffffffff\r\n${chatReply}`,
    ),
    "a chunk longer than its size": says(
      `${streamHead.replace("text/event-stream", "application/json")}2\r\n${chatReply}\r\n0\r\n\r\n`,
    ),
    "compressed bytes that are none": says(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: ${chatReply.length}\r\n\r\n${chatReply}`,
    ),
    silence: says(jsonHead(chatReply.length), chatReply.slice(0, 20)),
  };
  for (const [name, speak] of Object.entries(plain)) {
    test(name, async () => {
      const reply = await meet(name, speak);
      const [status, code, outcome]: readonly [number, ErrorCode, string] =
        name === "silence" ? [504, "upstream_timeout", "timeout"] : [502, "upstream_broke", "broken"];
      const source = name === "a length that is too large" ? "reported" : "estimated"; // all but the end had come
      assertRefused("openai-chat", reply, status, code);
      const row = await rowOf(reply);
      assert.deepEqual([row.outcome, row.error_code, row.usage_source], [outcome, code, source]);
      assert.ok(row.input_tokens > 0);
    });
  }

  test("a chunk size that is no number, in the middle of a stream", async () => {
    const half = chatEvents.slice(0, 60);
    const reply = await meet("bad stream", says(streamHead + chunked(half), "nonsense\r\n"), { stream: true });
    assert.equal(reply.status, 200);
    assert.ok(reply.body.toString().startsWith(half));
    assert.match(reply.body.toString(), /"code":"upstream_broke"/);
    assert.doesNotMatch(reply.body.toString(), /\[DONE\]/);
    assert.equal((await rowOf(reply)).outcome, "broken");
  });
});

describe("more than the reply", () => {
  const stale = `${jsonHead(chatReply.length)}${chatReply.replace('"hi"', '"no"')}`;
  const extras: Readonly<Record<string, Speak>> = {
    "a second reply behind it": says(wholeReply + stale),
    "a second reply a little later": (socket, whole) =>
      void whole.then(async () => {
        socket.write(wholeReply);
        await wait(2);
        socket.write(stale);
      }),
    "more bytes than its length": says(`${wholeReply}and more`),
    "an endless rest": saysForEver(wholeReply, "more "),
  };
  for (const [name, speak] of Object.entries(extras)) {
    test(`${name}: it is not taken for the answer to another request`, async () => {
      const reply = await meet(name, speak);
      assert.equal(reply.body.toString(), chatReply);
      await assertReported(reply);
      await wait(20);
      const next = await meet("usual", says(wholeReply));
      assert.equal(next.body.toString(), chatReply);
    });
  }

  test("a body where there can be none is not read as the next reply", async () => {
    const reply = await meet("204", says(`HTTP/1.1 204 No Content\r\ncontent-length: ${stale.length}\r\n\r\n${stale}`));
    assert.deepEqual([reply.status, reply.body.length], [204, 0]);
    const unchanged = await meet(
      "304",
      says(`HTTP/1.1 304 Not Modified\r\ncontent-length: ${stale.length}\r\n\r\n${stale}`),
    );
    assertRefused("openai-chat", unchanged, 502, "upstream_redirected");
    for (let round = 0; round < 3; round++)
      assert.equal((await meet("usual", says(wholeReply))).body.toString(), chatReply);
  });

  test("an error before the request was read whole reaches the caller, and the connection is not used again", async () => {
    const error = JSON.stringify({ error: { message: "too large", type: "invalid_request_error" } });
    const head = `HTTP/1.1 413 Too Large\r\ncontent-type: application/json\r\ncontent-length: ${error.length}\r\n\r\n`;
    const large = { messages: [{ role: "user", content: "x".repeat(8 * 1024 * 1024) }] };
    const before = upstream.connections;
    const reply = await meet("early", (socket) => void socket.pause().write(head + error), large);
    assert.deepEqual([reply.status, reply.body.toString()], [413, error]);
    assert.equal((await rowOf(reply)).outcome, "upstream_error");
    await assertReported(await meet("usual", says(wholeReply)));
    assert.ok(upstream.connections > before);
  });
});

describe("a reply that comes compressed although it was asked for plain is decoded and charged", () => {
  for (const [coding, compress] of Object.entries({ gzip: gzipSync, br: brotliCompressSync })) {
    test(`plain and streamed (${coding})`, async () => {
      const bytes = compress(chatReply);
      const head = (type: string, length: number): string =>
        `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-encoding: ${coding}\r\ncontent-length: ${length}\r\n\r\n`;
      const plain = await meet(`plain ${coding}`, says(head("application/json", bytes.length), bytes));
      assert.equal(plain.headers["content-encoding"], undefined);
      assert.equal(plain.body.toString(), chatReply);
      await assertReported(plain);
      const events = compress(chatEvents);
      const streamed = await meet(`stream ${coding}`, says(head("text/event-stream", events.length), events), {
        stream: true,
      });
      assert.match(streamed.body.toString(), /\[DONE\]/);
      await assertReported(streamed);
    });
  }

  test("the provider's key in it is blotted out all the same", async () => {
    const bytes = gzipSync(chatReply.replace('"hi"', JSON.stringify(`your key is ${gate.providerKey}`)));
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: ${bytes.length}\r\n\r\n`;
    const reply = await meet("compressed key", says(head, bytes));
    assert.match(reply.body.toString(), /your key is \[redacted\]/);
  });

  test("a bomb is cut, and memory stays bounded", async () => {
    const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024, " "));
    const before = process.memoryUsage.rss();
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`;
    await assert.rejects(meet("bomb", says(head, bomb)), /aborted|socket hang up/);
    assert.ok(process.memoryUsage.rss() - before < 150 * 1024 * 1024);
    await assertReported(await meet("usual", says(wholeReply)));
  });
});

describe("broken off at any byte, by a close or a reset, a reply is whole or an error, and the row agrees", () => {
  const sorts = { plain: wholeReply, stream: wholeStream };
  const cuts: Readonly<Record<string, (socket: Socket) => void>> = {
    close: (socket) => void socket.end(),
    reset: (socket) => void socket.resetAndDestroy(),
  };
  for (const [sort, bytes] of Object.entries(sorts)) {
    for (const [cut, end] of Object.entries(cuts)) {
      test(`${sort}, ${cut}: all ${bytes.length} places`, async () => {
        const results: { readonly at: number; readonly reply: Reply }[] = [];
        for (let at = 1; at <= bytes.length; at++) {
          const speak: Speak = (socket, whole) =>
            void whole.then(() => socket.write(bytes.slice(0, at), () => setImmediate(end, socket)));
          results.push({ at, reply: await meet(`${sort} ${cut} ${at}`, speak, sort === "stream" ? streamed : {}) });
        }
        const rows = await allRows(results.length);
        for (const { at, reply } of results)
          checkCut(sort, bytes, at, reply, rows.get(String(reply.headers["x-request-id"])));
      });
    }
  }

  function checkCut(sort: string, bytes: string, at: number, reply: Reply, row: RequestRow | undefined): void {
    const headBytes = bytes.indexOf("\r\n\r\n") + 4;
    const text = reply.body.toString();
    const tokens = [row?.input_tokens, row?.output_tokens];
    if (at === bytes.length) {
      assert.deepEqual([row?.outcome, ...tokens], ["ok", 11, 7]);
      assert.equal(text, sort === "plain" ? chatReply : chatEvents);
    } else if (at < headBytes) {
      assert.deepEqual([reply.status, row?.outcome, ...tokens], [502, "upstream_error", 0, 0], `at ${at}`);
    } else {
      assert.equal(row?.outcome, "broken", `at ${at}`);
      assert.equal(reply.status, sort === "plain" ? 502 : 200, `at ${at}`);
      assert.match(text, /upstream_broke/);
    }
  }

  async function allRows(count: number): Promise<ReadonlyMap<string, RequestRow>> {
    const rows = new Map<string, RequestRow>();
    for (let cursor: string | undefined; rows.size < count; ) {
      const query = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
      const page = await gate.admin.call(endpoints.requests.list, { query });
      for (const row of page.data) rows.set(row.request_id, row);
      if (page.next_cursor === null || page.next_cursor === undefined) break;
      cursor = page.next_cursor;
    }
    return rows;
  }
});

describe("a plain reply that ends with its connection", () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
  const ends =
    (text: string): Speak =>
    (socket, whole) =>
      void whole.then(() => socket.end(head + text));

  test("is taken for whole if its JSON is", async () => {
    const reply = await meet("closed whole", ends(chatReply));
    assert.equal(reply.body.toString(), chatReply);
    await assertReported(reply);
  });

  test("is no reply if its JSON breaks off", async () => {
    const reply = await meet("closed early", ends(chatReply.slice(0, -20)));
    assertRefused("openai-chat", reply, 502, "upstream_broke");
    assert.equal((await rowOf(reply)).outcome, "broken");
  });
});

describe("slow and long", () => {
  test("one byte at a time is carried as it comes, and charged as it is", async () => {
    const drip: Speak = (socket, whole) =>
      void whole.then(async () => {
        for (const letter of wholeStream) {
          socket.write(letter);
          await wait(1);
        }
      });
    const reply = await meet("drip", drip, streamed);
    assert.equal(reply.body.toString(), chatEvents);
    await assertReported(reply);
  });

  test("a million chunks of one byte take no more memory than one of a million", async () => {
    const block = "1\r\nx\r\n".repeat(16_384);
    const head = streamHead.replace("text/event-stream", "application/json");
    const before = process.memoryUsage.rss();
    const reply = await meet("crumbs", says(head, ...Array<string>(64).fill(block), "0\r\n\r\n"));
    assert.equal(reply.body.length, 1024 * 1024);
    assert.ok(process.memoryUsage.rss() - before < 80 * 1024 * 1024);
  });

  test("500 MB for a caller that reads slowly wait at the provider", { timeout: 60_000 }, async () => {
    const block = Buffer.alloc(1024 * 1024, " ");
    let sentBlocks = 0;
    const flood: Speak = (socket, whole) =>
      void whole.then(() => {
        socket.write(jsonHead(500 * block.length));
        const go = (): void => {
          while (sentBlocks < 500 && !socket.destroyed) {
            sentBlocks += 1;
            if (!socket.write(block)) return;
          }
        };
        socket.on("drain", go);
        go();
      });
    cases.set("flood", flood);
    const before = process.memoryUsage.rss();
    let highest = 0;
    let sentUnread = 0;
    const received = await new Promise<number>((resolve, reject) => {
      const headers = { authorization: `Bearer ${gate.key}`, "content-type": "application/json", "x-case": "flood" };
      const call = request(`${gate.url}/v1/chat/completions`, { method: "POST", agent: false, headers });
      call.on("error", reject);
      call.on("response", (response) => {
        let bytes = 0;
        response.pause();
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          highest = Math.max(highest, process.memoryUsage.rss());
        });
        response.on("end", () => resolve(bytes));
        response.on("error", reject);
        setTimeout(() => {
          sentUnread = sentBlocks;
          response.resume();
        }, 300);
      });
      call.end(JSON.stringify(body));
    });
    assert.equal(received, 500 * block.length);
    assert.ok(sentUnread < 40, `${sentUnread} MB had left the provider, and nobody had read them`);
    assert.ok(highest - before < 200 * 1024 * 1024, `${Math.round((highest - before) / 1024 / 1024)} MB more`);
  });
});

test("while providers misbehave on every other connection, all good requests are answered", async () => {
  const bad: readonly Speak[] = [
    saysForEver("HTTP/1.1 200 OK\r\n", "x-more: of the same\r\n"),
    saysForEver(wholeReply, "more "),
    says("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10_000)),
    (socket, whole) => void whole.then(() => socket.resetAndDestroy()),
    says(jsonHead(10), "half"),
    says(wholeReply + wholeReply),
  ];
  const all = Array.from({ length: 120 }, (_, index) => {
    const speak = index % 2 === 0 ? says(wholeReply) : (bad[index % bad.length] ?? says(wholeReply));
    return meet(`mixed ${index}`, speak).catch((error: unknown) => error);
  });
  const replies = await Promise.all(all);
  for (const [index, reply] of replies.entries()) {
    if (index % 2 === 0) assert.equal((reply as Reply).body.toString(), chatReply, `request ${index}`);
  }
  await until("nothing is under way any more", async () => (await rowCountUnderWay()) === 0, 5_000);
});

async function rowCountUnderWay(): Promise<number> {
  const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 100 } });
  return data.filter((row) => row.ended_at === null).length;
}
