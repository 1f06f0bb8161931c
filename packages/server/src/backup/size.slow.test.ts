import assert from "node:assert/strict";
import { createWriteStream, statSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { openDatabase, rowInserter, tableShapes, type Db, type Value } from "../db/index.ts";
import { createBackups, restoreTarget } from "./index.ts";
import { clock, freshHome, freshPath, furnish, recipient, restore } from "./test-parts.ts";

// What a backup of many requests takes: time, memory, and turns of the event loop, which serves callers meanwhile.

const requestCount = 100_000;
const mostMemoryMb = 192;

async function insertRequests(db: Db): Promise<void> {
  await db.kysely.transaction().execute(async (transaction) => {
    const inside = transaction.withTables<never>();
    const shape = (await tableShapes(inside, db.engine)).find(({ name }) => name === "requests");
    assert.ok(shape !== undefined);
    const insert = rowInserter(inside, shape.name, shape.columns);
    for (let from = 0; from < requestCount; from += 1_000) {
      await insert(Array.from({ length: 1_000 }, (_, index) => requestOf(shape.columns, from + index)));
    }
  });
}

const texts: Readonly<Record<string, string>> = {
  key_id: "key_01jc5x8m3k2v7n4q9w1z6y0abc",
  user_name: "ada@example.org",
  session_id: "3b2f0a1c-7f6e-4c1e-9b1d-0c7a6f5e4d3c",
  route: "/v1/messages",
  dialect: "anthropic-messages",
  provider: "anthropic",
  credential_id: "cred_01jc5x8m3k2v7n4q9w1z6y0abc",
  requested_model: "claude-sonnet-4-5",
  model: "claude-sonnet-4-5-20250929",
  outcome: "ok",
  usage_source: "reported",
  upstream_dialect: "anthropic-messages",
};
const absent: readonly string[] = ["team", "service", "agent_id", "error_code", "response_id", "dropped"];

function requestOf(columns: readonly string[], index: number): Value[] {
  return columns.map((column) => {
    if (column === "request_id") return `req_${String(index).padStart(8, "0")}`;
    if (absent.includes(column)) return null;
    return texts[column] ?? (column === "stream" ? 1 : 1_767_225_600_000 % (index + 7_919));
  });
}

/** The most memory that was in use beyond what was at the beginning, in megabytes, and the longest turn of the loop. */
async function measured(run: () => Promise<void>): Promise<{ seconds: number; memoryMb: number; stallMs: number }> {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const started = performance.now();
  await run();
  const seconds = (performance.now() - started) / 1_000;
  loop.disable();
  clearInterval(watch);
  return { seconds, memoryMb: (most - before) / 1e6, stallMs: loop.max / 1e6 };
}

function told(what: string, { seconds, memoryMb, stallMs }: Awaited<ReturnType<typeof measured>>): string {
  return `${what} in ${seconds.toFixed(1)} s, ${memoryMb.toFixed(0)} MB more memory, longest turn ${stallMs.toFixed(0)} ms`;
}

for (const database of databases) {
  test(`${requestCount} requests on ${database.name} are backed up and restored in bounded memory`, {
    skip: database.skip,
  }, async (t) => {
    const url = await database.create("migrated");
    const openAgain = () => openDatabase({ url, home: "/nonexistent" });
    const db = await openAgain();
    t.after(() => db.close());
    const vault = await furnish(db, freshHome());
    await insertRequests(db);
    const settle = () => Promise.resolve();
    const make = createBackups({
      openDatabase: openAgain,
      vault,
      vaultFile: () => undefined,
      settle,
      clock,
      product: "1.0.0",
    });
    const file = freshPath();
    const backedUp = await measured(async () => {
      await pipeline(Readable.from(await make({ recipients: [recipient] })), createWriteStream(file));
    });
    t.diagnostic(told(`${(statSync(file).size / 1e6).toFixed(1)} MB backed up`, backedUp));
    const home = freshHome();
    const targetUrl = database.name === "SQLite" ? "sqlite:" : await database.create("empty");
    const restored = await measured(async () => {
      const report = await restore(file, home, restoreTarget(targetUrl, home));
      assert.equal(report.rows["requests"], requestCount);
    });
    t.diagnostic(told("restored", restored));
    assert.ok(backedUp.memoryMb < mostMemoryMb, `${backedUp.memoryMb} MB`);
    assert.ok(restored.memoryMb < mostMemoryMb, `${restored.memoryMb} MB`);
  });
}
