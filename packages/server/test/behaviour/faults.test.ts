import assert from "node:assert/strict";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { PortcullisError } from "@portcullis/client";
import { endpoints } from "@portcullis/contract";
import { openDatabase, type RequestsTable } from "../../src/db/index.ts";
import { createSimulator } from "../../src/simulator/index.ts";
import { send, temporaryHome, type Gate, type Reply } from "../support/gateway.ts";
import { postgresObstacle, startPostgres } from "../support/postgres.ts";
import {
  adminTokenOf,
  callersOf,
  explanation,
  furnish,
  serve,
  serveRefused,
  type GatewayProcess,
} from "../support/process.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { ask, assertRefused, dialectIds, normalEnd, openStream, until } from "./ask.ts";

/*
 * What goes wrong around a gateway that runs: the disk is full, the database is away, the process is told to stop. What
 * a caller was told has been done is never lost, what cannot be done is refused in words, and nobody need lend a hand
 * once the cause is gone.
 */

const providerKey = "sk-provider-key-of-the-simulator";

interface Running {
  readonly gate: GatewayProcess;
  readonly callers: Pick<Gate, "url" | "key" | "post">;
}

async function start(
  t: TestContext,
  home: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const simulator = createSimulator({ apiKeys: [providerKey] });
  const upstream = await simulator.listen();
  t.after(() => simulator.close());
  const gate = await serve({ home, environment });
  t.after(() => gate.kill());
  return { gate, callers: callersOf(gate.url, await furnish(gate.admin, upstream.url, providerKey)) };
}

/** The request ids of what the callers were told is done. */
class Acknowledged {
  readonly ids: string[] = [];

  /** Asks in every dialect; all must be answered. */
  async askAll({ callers }: Running): Promise<void> {
    for (const dialect of dialectIds) {
      const reply = await ask(callers, dialect);
      assert.equal(reply.status, 200, reply.body.toString());
      this.note(reply);
    }
  }

  note({ headers }: Pick<Reply, "headers">): void {
    this.ids.push(String(headers["x-request-id"]));
  }

  /** Each has one row, which says that it went well. */
  assertRecorded(rows: readonly Pick<RequestsTable, "request_id" | "outcome">[]): void {
    const outcomes = this.ids.map((id) => rows.filter((row) => row.request_id === id).map((row) => row.outcome));
    assert.deepEqual(
      outcomes,
      this.ids.map(() => ["ok"]),
    );
  }
}

async function readRows(url: string, home: string): Promise<readonly RequestsTable[]> {
  const db = await openDatabase({ url, home });
  try {
    return await db.kysely.selectFrom("requests").selectAll().execute();
  } finally {
    await db.close();
  }
}

function assertUnavailable(error: unknown): true {
  assert.ok(error instanceof PortcullisError, String(error));
  assert.equal(error.status, 503);
  assert.equal(error.code, "database_unavailable");
  return true;
}

test("a full disk: what was accepted is kept, what is not is refused with 503, and it is over when there is room", async (t) => {
  const disk = mountSmallDisk(t, 12_288);
  if (disk === undefined) return;
  const home = join(disk.path, "home");
  const running = await start(t, home);
  const { gate, callers } = running;
  const done = new Acknowledged();
  await done.askAll(running);
  const slow = { paceMs: 60, deltas: 25 };
  const streams = await Promise.all(dialectIds.map((dialect) => openStream(callers, dialect, { script: slow })));

  disk.fill();
  for (const dialect of dialectIds) {
    const refused = await askUntilRefused(callers, dialect, done);
    assertRefused(dialect, refused, 503, "journal_unavailable");
    assert.equal(refused.headers["retry-after"], "5");
  }
  const missing = await ask(callers, "openai-chat", { model: "no-such-model" });
  assertRefused("openai-chat", missing, 404, "model_not_found");
  const readiness = await send(`${gate.url}/readyz`, "GET", "");
  assert.equal(readiness.status, 503, readiness.body.toString());
  assert.equal((await gate.admin.call(endpoints.status.get)).journal.ok, false);
  for (const [index, stream] of streams.entries()) {
    assert.equal(await stream.over, "ended");
    assert.match(stream.text(), normalEnd, `stream ${index}`);
    done.note(stream);
  }
  const changes = await changeUntilRefused(gate);
  assertUnavailable(changes.refusal);

  disk.free();
  await until("requests are accepted again", async () => (await ask(callers, "openai-chat")).status === 200, 10_000);
  await done.askAll(running);
  await gate.admin.call(endpoints.keys.create, { input: { description: "made again" } });
  assert.equal((await send(`${gate.url}/readyz`, "GET", "")).status, 200);
  const { code, stderr } = await gate.stop();
  assert.equal(code, 0, stderr);
  done.assertRecorded(await readRows(`sqlite:${join(home, "portcullis.db")}`, home));
  t.diagnostic(
    `${done.ids.length} requests acknowledged before, during and after the full disk = rows; ${changes.made} changes made, then refused`,
  );
});

async function askUntilRefused(
  callers: Running["callers"],
  dialect: (typeof dialectIds)[number],
  done: Acknowledged,
): Promise<Reply> {
  for (let count = 0; count < 1_000; count++) {
    const reply = await ask(callers, dialect);
    if (reply.status !== 200) return reply;
    done.note(reply);
  }
  return assert.fail("the disk is full, and a thousand requests were accepted");
}

async function changeUntilRefused({ admin }: GatewayProcess): Promise<{ made: number; refusal: unknown }> {
  for (let made = 0; made < 1_000; made++) {
    try {
      await admin.call(endpoints.keys.create, { input: { description: "x".repeat(200) } });
    } catch (refusal) {
      return { made, refusal };
    }
  }
  return assert.fail("the disk is full, and a thousand keys were made");
}

test("a full disk keeps no refusal back: what never reaches a provider is answered, recorded or not", async (t) => {
  const disk = mountSmallDisk(t, 12_288);
  if (disk === undefined) return;
  const { gate, callers } = await start(t, join(disk.path, "home"));
  disk.fill();
  // More than there is room for in what the journal has set aside.
  for (let count = 0; count < 200; count++) {
    assertRefused("openai-chat", await ask(callers, "openai-chat", { model: "no-such-model" }), 404, "model_not_found");
  }
  assertRefused("openai-chat", await ask(callers, "openai-chat"), 503, "journal_unavailable");
  disk.free();
  await until("requests are accepted again", async () => (await ask(callers, "openai-chat")).status === 200, 10_000);
  assert.equal((await gate.stop()).code, 0);
});

test("killed while the disk is full: it does not start without room, and then nothing is missing", async (t) => {
  const disk = mountSmallDisk(t, 12_288);
  if (disk === undefined) return;
  const home = join(disk.path, "home");
  const running = await start(t, home);
  const done = new Acknowledged();
  await done.askAll(running);
  disk.fill();
  assertRefused("openai-chat", await askUntilRefused(running.callers, "openai-chat", done), 503, "journal_unavailable");
  await running.gate.kill();

  const refused = await serveRefused({ home });
  assert.equal(refused.code, 1);
  assert.match(explanation(refused).error, /home could not be written: no space left on the device$/);
  disk.free();
  const again = await serve({ home });
  await again.admin.call(endpoints.requests.list, { query: { limit: 1 } });
  await again.stop();
  done.assertRecorded(await readRows(`sqlite:${join(home, "portcullis.db")}`, home));
});

test("the database goes away: requests go on, changes are refused, and the rows arrive when it is back", {
  skip: postgresObstacle(),
}, async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const home = join(temporaryHome(), "home");
  const running = await start(t, home, { PORTCULLIS_STORAGE_URL: postgres.url });
  const { admin } = running.gate;
  const done = new Acknowledged();
  await done.askAll(running);
  // Their rows may be written by the time the database goes, and may not.
  const before = done.ids.length;
  const streams = await Promise.all(
    dialectIds.map((dialect) => openStream(running.callers, dialect, { script: { paceMs: 20, deltas: 20 } })),
  );

  await postgres.crash();
  for (let round = 0; round < 10; round++) await done.askAll(running);
  for (const stream of streams) {
    assert.equal(await stream.over, "ended");
    assert.match(stream.text(), normalEnd);
    done.note(stream);
  }
  await assert.rejects(admin.call(endpoints.keys.create, { input: { description: "lost" } }), assertUnavailable);
  await assert.rejects(admin.call(endpoints.audit.list), assertUnavailable);
  const listed = await send(`${running.gate.url}/api/v1/requests`, "GET", adminTokenOf(home));
  assert.equal(listed.headers["retry-after"], "5");
  const status = await admin.call(endpoints.status.get);
  assert.equal(status.database.ok, false);
  assert.ok(
    status.journal.ok && status.journal.waiting_rows >= done.ids.length - before,
    JSON.stringify(status.journal),
  );
  assert.equal((await send(`${running.gate.url}/readyz`, "GET", "")).status, 200);
  const refused = await serveRefused({
    home: join(temporaryHome(), "home"),
    environment: { PORTCULLIS_STORAGE_URL: postgres.url },
  });
  assert.equal(refused.code, 1);
  assert.deepEqual(
    refused.stderr.split("\n").filter((line) => line !== ""),
    ["error: the database does not answer"],
  );

  await postgres.restart();
  await until(
    "all rows are there",
    async () => (await admin.call(endpoints.status.get)).journal.waiting_rows === 0,
    20_000,
  );
  done.assertRecorded(await readRows(postgres.url, home));
  await admin.call(endpoints.keys.create, { input: { description: "made again" } });
  assert.equal((await running.gate.stop()).code, 0);
  t.diagnostic(`${done.ids.length} requests acknowledged before and while the database was away = rows`);
});

test("told to stop: nothing new is accepted, replies under way end whole, and the process ends well", async (t) => {
  const home = join(temporaryHome(), "home");
  const running = await start(t, home);
  const { gate, callers } = running;
  const done = new Acknowledged();
  await done.askAll(running);
  const streams = await Promise.all(
    dialectIds.map((dialect) => openStream(callers, dialect, { script: { paceMs: 40, deltas: 20 } })),
  );
  // Connections that are in the middle of a request's head when the signal comes.
  const posting = await beginRequest(gate.url, "POST /v1/messages", "anthropic-version: 2023-06-01");
  const probing = await beginRequest(gate.url, "GET /readyz", "accept: */*");
  await send(`${gate.url}/healthz`, "GET", ""); // answered after those were read

  const stopped = gate.stop();
  await until("new requests are refused", async () => {
    const reply = await ask(callers, "openai-chat");
    if (reply.status === 200) done.note(reply);
    else assertRefused("openai-chat", reply, 503, "draining");
    return reply.status !== 200;
  });
  const [posted, probed] = await Promise.all([posting.finish(), probing.finish()]);
  assert.match(
    posted,
    /^HTTP\/1\.1 503 [\s\S]*retry-after: 2\r\n[\s\S]*"type":"overloaded_error","message":"this gateway is shutting down/i,
  );
  assert.match(probed, /^HTTP\/1\.1 503 /);
  for (const stream of streams) {
    assert.equal(await stream.over, "ended");
    assert.match(stream.text(), normalEnd);
    done.note(stream);
  }
  const { code, signal, stderr } = await stopped;
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
  done.assertRecorded(await readRows(`sqlite:${join(home, "portcullis.db")}`, home));
});

test("told to stop: a reply that outlasts `server.drain` is cut and recorded as cut", async (t) => {
  const home = join(temporaryHome(), "home");
  const { gate, callers } = await start(t, home, { PORTCULLIS_SERVER_DRAIN: "300ms" });
  const streams = await Promise.all(
    dialectIds.map((dialect) => openStream(callers, dialect, { script: { paceMs: 500, deltas: 60 } })),
  );
  const { code, stderr } = await gate.stop();
  assert.equal(code, 0, stderr);
  for (const stream of streams) assert.ok((await stream.over) === "broken" || !normalEnd.test(stream.text()));
  const rows = await readRows(`sqlite:${join(home, "portcullis.db")}`, home);
  assert.deepEqual(
    rows.map((row) => row.outcome),
    dialectIds.map(() => "aborted"),
  );
  assert.ok(rows.every((row) => row.usage_source === "estimated" && row.input_tokens > 0));
});

/** Sends a head but for its last line; `finish` sends that and resolves to all that is answered. */
async function beginRequest(url: string, line: string, header: string): Promise<{ finish(): Promise<string> }> {
  const { hostname, port } = new URL(url);
  const socket: Socket = createConnection({ host: hostname, port: Number(port) });
  let answer = "";
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(answer)));
  socket.on("data", (bytes) => (answer += bytes.toString()));
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) =>
    socket.write(`${line} HTTP/1.1\r\nHost: ${hostname}\r\n${header}\r\n`, () => resolve()),
  );
  return {
    finish() {
      socket.write("\r\n");
      return closed;
    },
  };
}
