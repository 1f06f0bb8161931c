import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { openDatabase } from "../../src/db/index.ts";
import { createSimulator, type Script, type Simulator } from "../../src/simulator/index.ts";
import { send, temporaryHome, type Gate } from "../support/gateway.ts";
import { callersOf, furnish, serve, type GatewayProcess } from "../support/process.ts";
import { ask, assertRefused, dialectIds, normalEnd, openStream, until, type DialectId } from "./ask.ts";

/*
 * What a gateway does when it is told to stop (SIGTERM): it says so to whoever spreads the load, refuses in words, finishes what it
 * has begun as far as there is time, ends the rest in words, and leaves nothing unsettled.
 */

interface Running {
  readonly process: GatewayProcess;
  readonly callers: Pick<Gate, "url" | "key" | "post">;
  readonly simulator: Simulator;
}

async function running(t: TestContext, server: string): Promise<Running> {
  const simulator = createSimulator();
  const { url } = await simulator.listen();
  t.after(() => simulator.close());
  const home = join(temporaryHome(), "home");
  const file = join(temporaryHome(), "portcullis.yaml");
  writeFileSync(file, `server: { ${server} }\n`);
  const process = await serve({ home, args: ["--config", file] });
  t.after(() => process.kill());
  const key = await furnish(process.admin, url, "sk-provider-key");
  return { process, simulator, callers: callersOf(process.url, key) };
}

const probe = (process: GatewayProcess) => send(`${process.url}/readyz`, "GET", "", { authorization: null });
const paced = (deltas: number): Script => ({ text: "word ".repeat(deltas), deltas, paceMs: 50, writes: "event" });

interface Row {
  readonly request_id: string;
  readonly outcome: string;
  readonly error_code: string | null;
  readonly output_tokens: number;
}

/** What is in the database once the process has ended. */
async function settledRows(home: string): Promise<readonly Row[]> {
  const db = await openDatabase({ url: "sqlite:", home });
  try {
    return await db.kysely
      .selectFrom("requests")
      .select(["request_id", "outcome", "error_code", "output_tokens"])
      .execute();
  } finally {
    await db.close();
  }
}

test("during the delay requests are answered as before, while readiness says no and every connection is closed", {
  timeout: 30_000,
}, async (t) => {
  const { process, callers } = await running(t, "shutdown_delay: 4s, drain: 5s");
  assert.equal((await probe(process)).status, 200);
  process.signal("SIGTERM");
  await until("readiness is off", async () => (await probe(process)).status === 503, 4_000);
  const unready = await probe(process);
  assert.equal(unready.headers.connection, "close");
  assert.deepEqual(unready.json(), { status: "not ready", problem: "the gateway is shutting down" });
  for (const dialect of dialectIds) {
    const reply = await ask(callers, dialect);
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.connection, "close");
  }
  const { code } = await process.ended;
  assert.equal(code, 0);
  assert.equal((await settledRows(process.home)).filter(({ outcome }) => outcome === "ok").length, dialectIds.length);
});

test("then requests are refused with `draining` and when to come back, in every dialect, and streams under way end as they would", {
  timeout: 30_000,
}, async (t) => {
  const { process, callers } = await running(t, "drain: 20s");
  const streams = await Promise.all(dialectIds.map((dialect) => openStream(callers, dialect, { script: paced(60) })));
  process.signal("SIGTERM");
  await until("requests are refused", async () => (await ask(callers, "openai-chat")).status === 503, 4_000);
  for (const dialect of dialectIds) {
    const refused = await ask(callers, dialect);
    assertRefused(dialect, refused, 503, "draining");
    assert.equal(refused.headers["retry-after"], "2");
    assert.equal(refused.headers.connection, "close");
  }
  assert.equal((await probe(process)).status, 503);
  assert.ok(
    streams.every(({ incoming }) => !incoming.complete),
    "the streams are still under way",
  );
  for (const stream of streams) {
    assert.equal(await stream.over, "ended");
    assert.match(stream.text(), normalEnd);
  }
  assert.equal((await process.ended).code, 0);
  const rows = await settledRows(process.home);
  for (const { headers } of streams) {
    assert.equal(rows.find(({ request_id }) => request_id === headers["x-request-id"])?.outcome, "ok");
  }
});

const errorEvents: Readonly<Partial<Record<DialectId, RegExp>>> = {
  "anthropic-messages":
    /event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error","message":"this gateway is shutting down/,
  "openai-chat": /data: \{"error":\{"message":"this gateway is shutting down[^\n]*"code":"draining"/,
  "openai-responses": /event: response\.failed\ndata: \{[^\n]*this gateway is shutting down/,
};

test("what is not over in time is cut with an error event of its dialect, and charged for what had come", {
  timeout: 30_000,
}, async (t) => {
  const { process, callers } = await running(t, "drain: 1s");
  const streams = await Promise.all(
    Object.keys(errorEvents).map(async (id) => {
      const dialect = id as DialectId;
      return { dialect, stream: await openStream(callers, dialect, { script: paced(1_000) }) };
    }),
  );
  for (const { stream } of streams) await until("text flows", () => stream.text().split("word").length > 3, 5_000);
  process.signal("SIGTERM");
  for (const { dialect, stream } of streams) {
    assert.equal(await stream.over, "ended", dialect);
    assert.match(stream.text(), errorEvents[dialect] ?? /never/);
    assert.doesNotMatch(stream.text(), normalEnd);
  }
  const { code } = await process.ended;
  assert.equal(code, 0);
  const rows = await settledRows(process.home);
  for (const { stream } of streams) {
    const row = rows.find(({ request_id }) => request_id === stream.headers["x-request-id"]);
    assert.deepEqual([row?.outcome, row?.error_code], ["aborted", "draining"]);
    assert.ok((row?.output_tokens ?? 0) > 0);
  }
});

test("a request that waits for its provider's head when the time is over is answered with the error", {
  timeout: 30_000,
}, async (t) => {
  const { process, callers, simulator } = await running(t, "drain: 500ms");
  const waiting = ask(callers, "anthropic-messages", {}, { "x-simulator": '{"hang": true}' });
  await until("the provider has it", () => simulator.requests.length === 1, 5_000);
  process.signal("SIGTERM");
  assertRefused("anthropic-messages", await waiting, 503, "draining");
  assert.equal((await process.ended).code, 0);
});

test("connections on which nothing happens do not hold the gateway up", { timeout: 30_000 }, async (t) => {
  const { process } = await running(t, "drain: 20s, head_timeout: 20s");
  const { hostname, port } = new URL(process.url);
  const silent = connect(Number(port), hostname);
  const half = connect(Number(port), hostname);
  for (const socket of [silent, half]) socket.on("error", () => undefined);
  half.write("GET /readyz HTTP/1.1\r\nHost: ");
  await until("they are connected", () => !silent.connecting && !half.connecting);
  const begun = performance.now();
  assert.equal((await process.stop()).code, 0);
  assert.ok(performance.now() - begun < 5_000);
});

test("a second signal ends it at once, with exit code 1; what was acknowledged is in the journal", {
  timeout: 30_000,
}, async (t) => {
  const { process, callers } = await running(t, "drain: 20s");
  const whole = await ask(callers, "openai-chat");
  const stream = await openStream(callers, "openai-chat", { script: paced(1_000) });
  process.signal("SIGTERM");
  await until("it has begun to stop", () => process.stderr().includes("stopping"), 5_000);
  const begun = performance.now();
  process.signal("SIGTERM");
  assert.equal((await process.ended).code, 1);
  assert.ok(performance.now() - begun < 2_000);
  assert.equal(await stream.over, "broken");

  const next = await serve({ home: process.home });
  assert.equal((await next.stop()).code, 0);
  const rows = await settledRows(process.home);
  const outcomeOf = (id: unknown) => rows.find(({ request_id }) => request_id === id)?.outcome;
  assert.equal(outcomeOf(whole.headers["x-request-id"]), "ok");
  assert.equal(outcomeOf(stream.headers["x-request-id"]), "interrupted");
});
