import assert from "node:assert/strict";
import {
  createServer as createHttpServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { endpoints } from "@portcullis/contract";
import { scriptHeaders, type Script } from "../../src/simulator/index.ts";
import { openGate, send, type Gate, type Reply } from "../support/gateway.ts";
import { heldBytes } from "../support/held-memory.ts";
import {
  ask,
  assertRefused,
  dialectIds,
  minimal,
  modelFor,
  normalEnd,
  openStream,
  until,
  type DialectId,
} from "./ask.ts";

/* A reply on its way: at whose pace it goes, and what happens when one of the three falls silent or leaves. */

const gate = await openGate();

const rowOf = (of: Gate, headers: IncomingHttpHeaders) =>
  of.admin.call(endpoints.requests.get, { params: { id: String(headers["x-request-id"]) } });

const lastRow = async (of: Gate) => {
  const { data } = await of.admin.call(endpoints.requests.list, { query: { limit: 1 } });
  assert.ok(data[0]);
  return data[0];
};

describe("a caller that reads slowly", () => {
  const sizeBytes = 32_000_000;
  const large: Script = { textBytes: sizeBytes, deltas: 3_200, writes: "event" };

  /** The head of a reply that nobody reads yet. */
  function unread(script: Script, stream: boolean): Promise<IncomingMessage> {
    const { path, body } = minimal["openai-chat"];
    const headers = {
      authorization: `Bearer ${gate.key}`,
      "content-type": "application/json",
      ...scriptHeaders(script),
    };
    return new Promise((resolve, reject) => {
      const call = request(gate.url + path, { method: "POST", agent: false, headers }, resolve);
      call.on("error", reject);
      call.end(JSON.stringify({ model: modelFor("openai-chat"), stream, ...body("hello") }));
    });
  }

  for (const [name, stream, script] of [
    ["a stream", true, large],
    ["a reply too large to be held", false, { ...large, chunkBytes: 10_000 }],
  ] as const) {
    test(`pauses the provider, and little waits in between (${name})`, async () => {
      gate.simulator.clear();
      const incoming = await unread(script, stream);
      const heldAtHead = await heldBytes();
      const sent = (): number => gate.simulator.requests[0]?.bytesSent ?? 0;
      let before = -1;
      await until(
        "the provider has stopped sending",
        async () => {
          before = sent();
          await wait(200);
          return sent() === before;
        },
        5_000,
      );
      assert.ok(sent() < sizeBytes * 0.75, `${sent()} bytes were sent: more than the sockets on the way can hold`);
      const held = (await heldBytes()) - heldAtHead;
      assert.ok(held < 6_000_000, `${held} bytes are held`);
      let received = 0;
      incoming.on("data", (chunk: Buffer) => (received += chunk.length));
      await new Promise((resolve) => incoming.once("close", resolve));
      assert.ok(incoming.complete, "and once it reads, it gets everything");
      assert.ok(received >= sizeBytes);
      const row = await rowOf(gate, incoming.headers);
      assert.deepEqual([row.outcome, row.usage_source], ["ok", "reported"]);
    });
  }
});

describe("a caller that leaves", () => {
  for (const dialect of dialectIds) {
    test(`in the middle of a stream: the provider is told, and what had come is charged (${dialect})`, async () => {
      gate.simulator.clear();
      const reply = await openStream(gate, dialect, { script: { paceMs: 10, deltas: 500, writes: "event" } });
      await until("text flows", () => reply.text().split(/delta|"done":false|"candidates"/).length > 10);
      reply.leave();
      await until("the provider's side is aborted", () => gate.simulator.requests[0]?.aborted === true);
      const row = await rowOf(gate, reply.headers);
      assert.deepEqual([row.outcome, row.status, row.usage_source], ["aborted", 200, "estimated"]);
      assert.ok(row.input_tokens > 0 && row.output_tokens > 0, JSON.stringify(row));
      assert.ok(row.output_tokens < 500, "and no more than that");
    });

    test(`before the provider answers, and in the middle of a whole reply (${dialect})`, async () => {
      for (const script of [{ hang: true }, { chunkBytes: 20, paceMs: 10 }] satisfies Script[]) {
        gate.simulator.clear();
        const { path, headers, body } = minimal[dialect];
        const call = request(gate.url + path, {
          method: "POST",
          agent: false,
          headers: {
            authorization: `Bearer ${gate.key}`,
            "content-type": "application/json",
            ...headers,
            ...scriptHeaders(script),
          },
        });
        call.on("error", () => undefined);
        call.end(JSON.stringify({ model: modelFor(dialect), ...body("hello") }));
        const upstream = () => gate.simulator.requests[0];
        await until(
          "the provider has it",
          () => upstream() !== undefined && (script.hang === true || upstream()?.status === 200),
        );
        call.destroy();
        await until("the provider's side is aborted", () => upstream()?.aborted === true);
        const row = await lastRow(gate);
        assert.deepEqual([row.outcome, row.usage_source, row.dialect], ["aborted", "estimated", dialect]);
        assert.ok(row.input_tokens > 0, "the provider had the prompt");
      }
    });
  }
});

describe("a provider that is slow", () => {
  interface Tick {
    readonly sentAt: number;
    readonly arrivedAt: number;
  }

  /** Sends events that say when they were sent. */
  function openTicker(events: number, paceMs: number): Promise<{ readonly server: Server; readonly url: string }> {
    const server = createHttpServer((incoming, response) => {
      incoming.resume();
      response.writeHead(200, { "content-type": "text/event-stream" });
      void (async () => {
        for (let count = 0; count < events; count += 1) {
          if (count > 0) await wait(paceMs);
          response.write(`data: {"sent_at":${performance.now()},"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n`);
        }
        response.end();
      })();
    });
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        resolve({ server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
      });
    });
  }

  test("is relayed event by event, without delay", async () => {
    const { server, url } = await openTicker(12, 60);
    after(() => void server.close());
    for (const dialect of dialectIds) {
      const input = { id: `ticker-${dialect}`, dialect, base_url: url, allow_private: true };
      await gate.admin.call(endpoints.providers.create, { input });
    }
    const ticksOf = async (dialect: DialectId, more: object): Promise<readonly Tick[]> => {
      const reply = await openStream(gate, dialect, { body: { model: `ticker-${dialect}/m`, ...more } });
      await reply.over;
      return reply.pieces.flatMap(({ atMs, bytes }) =>
        [...bytes.toString().matchAll(/"sent_at":([\d.]+)/g)].map(([, sentAt]) => ({
          sentAt: Number(sentAt),
          arrivedAt: atMs,
        })),
      );
    };
    const counted = { stream_options: { include_usage: true } };
    const cases = [...dialectIds.map((dialect) => [dialect, {}] as const), ["openai-chat", counted] as const];
    for (const ticks of await Promise.all(cases.map(([dialect, more]) => ticksOf(dialect, more)))) {
      assert.equal(ticks.length, 12);
      const [first, last] = [ticks[0], ticks.at(-1)];
      assert.ok(first !== undefined && last !== undefined && first.arrivedAt < last.sentAt);
      const delays = ticks.map(({ sentAt, arrivedAt }) => arrivedAt - sentAt).toSorted((one, other) => one - other);
      // All but one: a busy machine may hold up this process itself for a moment.
      assert.ok((delays.at(-2) ?? 0) <= 50, `delays in ms: ${delays.map(Math.round).join(", ")}`);
    }
  });

  for (const dialect of dialectIds) {
    test(`to say anything: the caller has the head meanwhile (${dialect})`, async () => {
      // nothing yet, or half an event
      for (const dropAtByte of [0, 20]) {
        const script = { drop: "stall", dropAtByte } as const;
        const before = performance.now();
        const reply = await openStream(gate, dialect, { script });
        assert.ok(performance.now() - before < 1_000);
        assert.equal(reply.status, 200);
        assert.match(String(reply.headers["content-type"]), /^(text\/event-stream|application\/x-ndjson)/);
        assert.equal(reply.headers["x-portcullis-attempts"], "1");
        reply.leave();
      }
    });
  }
});

describe("a provider that falls silent", { concurrency: true }, async () => {
  const impatient = await openGate({ config: "upstream:\n  first_byte_timeout: 1s\n  idle_timeout: 1s\n" });
  const silent = (dialect: DialectId, script: Script): Promise<Reply> =>
    ask(impatient, dialect, {}, scriptHeaders(script));
  const withinMs = 4_000;

  test("before it answers, or in a whole reply: a time-out in the caller's dialect", async () => {
    const before = performance.now();
    const scripts: readonly Script[] = [{ hang: true }, { drop: "stall", dropAtByte: 100 }];
    const cases = dialectIds.flatMap((dialect) => scripts.map((script) => [dialect, silent(dialect, script)] as const));
    for (const [dialect, asked] of cases) {
      const reply = await asked;
      assert.match(assertRefused(dialect, reply, 504, "upstream_timeout"), /did not answer within 1 s/);
      const row = await rowOf(impatient, reply.headers);
      assert.deepEqual([row.outcome, row.error_code, row.status], ["timeout", "upstream_timeout", 504]);
      assert.ok(row.usage_source === "estimated" && row.input_tokens > 0);
    }
    assert.ok(performance.now() - before < withinMs);
    const hanging = impatient.simulator.requests.filter(({ headers }) => headers.includes('{"hang":true}'));
    assert.equal(hanging.length, dialectIds.length);
    await until("the provider's side is aborted", () => hanging.every(({ aborted }) => aborted));
  });

  test("in the middle of a stream: an error event, never a normal end", async () => {
    const before = performance.now();
    const replies = await Promise.all(
      dialectIds.map((dialect) => openStream(impatient, dialect, { script: { drop: "stall", dropAtEvent: 5 } })),
    );
    for (const reply of replies) {
      assert.equal(await reply.over, "ended");
      const lastEvent = reply.text().trimEnd().split("\n\n").at(-1) ?? "";
      assert.match(lastEvent, /did not answer within 1 s/);
      assert.doesNotMatch(reply.text(), normalEnd);
      const row = await rowOf(impatient, reply.headers);
      assert.deepEqual([row.outcome, row.error_code, row.status], ["timeout", "upstream_timeout", 200]);
    }
    assert.ok(performance.now() - before < withinMs);
  });

  test("between events, but not for so long: nothing happens", async () => {
    const script = { paceMs: 400, deltas: 1, writes: "event" } as const;
    const reply = await openStream(impatient, "openai-chat", { script });
    assert.equal(await reply.over, "ended");
    assert.match(reply.text(), normalEnd);
  });

  test("because the caller does not read: that is not the provider's silence", async () => {
    const script = { textBytes: 32_000_000, deltas: 3_200, writes: "event" } as const;
    const reply = await openStream(impatient, "openai-chat", { script });
    reply.incoming.pause();
    await wait(2_000);
    reply.incoming.resume();
    assert.equal(await reply.over, "ended");
    assert.match(reply.text().slice(-100), normalEnd);
  });
});

describe("connections to a provider", () => {
  /** Passes bytes on to the simulator, and counts the connections it takes. */
  async function openRelay(target: URL) {
    const sockets = new Set<Socket>();
    let taken = 0;
    const server = createServer({ noDelay: true }, (socket) => {
      taken += 1;
      sockets.add(socket);
      const onward = connect({ port: Number(target.port), host: target.hostname, noDelay: true });
      for (const [from, to] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy());
      }
      socket.on("close", () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    after(() => void server.close());
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, taken: () => taken, open: () => sockets.size };
  }

  test("are used again and again, but never one that was broken off", async () => {
    const { base_url } = await gate.admin.call(endpoints.providers.get, { params: { id: "sim-chat" } });
    const relay = await openRelay(new URL(base_url));
    const input = { id: "sim-relayed", dialect: "openai-chat", base_url: relay.url, allow_private: true } as const;
    await gate.admin.call(endpoints.providers.create, { input: { ...input, api_key: gate.providerKey } });
    const model = "sim-relayed/m";
    for (let count = 0; count < 20; count += 1) {
      const stream = count % 2 === 0;
      assert.equal((await ask(gate, "openai-chat", { model, stream })).status, 200);
    }
    assert.equal(relay.taken(), 1);
    assert.equal((await ask(gate, "openai-chat", { model }, scriptHeaders({ status: 429 }))).status, 429);
    assert.equal((await ask(gate, "openai-chat", { model })).status, 200);
    assert.equal(relay.taken(), 1, "an error that was answered whole breaks nothing");
    const reply = await openStream(gate, "openai-chat", { body: { model }, script: { paceMs: 10, deltas: 500 } });
    reply.leave();
    await until("the broken connection is closed", () => relay.open() === 0);
    assert.equal((await ask(gate, "openai-chat", { model })).status, 200);
    assert.equal(relay.taken(), 2);
  });

  test("are enough for many streams at once, and each caller gets its own", async () => {
    const texts = Array.from({ length: 200 }, (_, index) =>
      `caller ${index} – «${"ü😀".repeat(index % 7)}» `.repeat(30),
    );
    const replies = await Promise.all(
      texts.map(async (text, index) => {
        const dialect = dialectIds[index % dialectIds.length] ?? "openai-chat";
        const script: Script = { text, deltas: 40, ...(index % 4 === 0 ? { paceMs: 5 } : { chunkBytes: 700 + index }) };
        const reply = await openStream(gate, dialect, { script });
        return { dialect, text, over: await reply.over, whole: reply.text(), headers: reply.headers };
      }),
    );
    for (const { dialect, text, over, whole } of replies) {
      assert.equal(over, "ended");
      assert.match(whole, normalEnd);
      assert.equal(textOf(dialect, whole), text);
    }
    assert.equal(new Set(replies.map(({ headers }) => headers["x-request-id"])).size, texts.length);
  });

  /** What a stream says, its deltas put together. */
  function textOf(dialect: DialectId, stream: string): string {
    const data = [...stream.matchAll(/^(?:data: )?(\{.*)$/gm)].map(([, json = ""]) => JSON.parse(json) as Delta);
    if (dialect === "gemini") {
      return data.map(({ candidates }) => candidates?.[0]?.content.parts[0]?.text ?? "").join("");
    }
    if (dialect === "ollama") return data.map(({ message }) => message?.content ?? "").join("");
    if (dialect === "openai-chat") return data.map(({ choices }) => choices?.[0]?.delta.content ?? "").join("");
    const deltas = data.filter(({ type }) => type === "content_block_delta" || type === "response.output_text.delta");
    return deltas.map(({ delta }) => (typeof delta === "string" ? delta : (delta?.text ?? ""))).join("");
  }

  interface Delta {
    readonly type?: string;
    readonly delta?: string | { readonly text?: string };
    readonly candidates?: readonly { readonly content: { readonly parts: readonly { readonly text?: string }[] } }[];
    readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
    readonly message?: { readonly content: string };
  }
});

describe("a gateway that is stopped", () => {
  test("lets a stream finish within the drain, and takes no new request", async () => {
    const stopped = await openGate({ environment: { PORTCULLIS_SERVER_DRAIN: "5s" } });
    const reply = await openStream(stopped, "openai-chat", { script: { paceMs: 10, deltas: 30, writes: "event" } });
    const closing = stopped.close();
    assertRefused("openai-chat", await send(`${stopped.url}/v1/models`, "GET", stopped.key), 503, "draining");
    assert.equal(await reply.over, "ended");
    assert.match(reply.text(), normalEnd);
    await closing;
  });

  test("cuts a stream that outlives the drain, and has its row", async () => {
    const stopped = await openGate();
    const reply = await openStream(stopped, "anthropic-messages", {
      script: { paceMs: 10, deltas: 3_000, writes: "event" },
    });
    await until("text flows", () => reply.text().split("delta").length > 10);
    await stopped.close();
    assert.equal(await reply.over, "ended");
    assert.match(reply.text(), /event: error\ndata: .*this gateway is shutting down/);
    assert.doesNotMatch(reply.text(), normalEnd);
    const again = await openGate({ home: stopped.home });
    const row = await rowOf(again, reply.headers);
    assert.deepEqual([row.outcome, row.usage_source], ["aborted", "estimated"]);
    assert.ok(row.input_tokens > 0 && row.output_tokens > 0);
  });
});
