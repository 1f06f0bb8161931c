/**
 * The promise that usage is neither lost nor doubled, tested by killing a process with SIGKILL while it writes, again
 * and again on the same journal and database. `PORTCULLIS_TEST_KILLS=100 node --test …/usage/crash.test.ts` kills more
 * often than the suite does.
 *
 * This file is also the process that is killed: run with `load` and a directory it starts and ends requests as fast as
 * it can, and after each call that returned it writes so to a file of its own.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { migrate, openDatabase, type Db } from "../db/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { ulid } from "../kernel/ids.ts";
import { silentLog } from "../kernel/log.ts";
import { noTokens } from "../kernel/tokens.ts";
import { listRequests, type RequestRow } from "./queries.ts";
import { summarize } from "./summary.ts";
import { ById, endOf, segmentsIn, startOf, temporaryDirectory } from "./test-parts.ts";
import { openUsage, type Usage } from "./usage.ts";

const [, , role, loadDirectory = ""] = process.argv;
if (role === "load") await load(loadDirectory);
else declareTests();

function open(directory: string): Promise<Usage> {
  const parts = { database: { url: "sqlite:", home: directory }, clock: systemClock, log: silentLog };
  return openUsage({ directory: join(directory, "journal"), ...parts, maxBytes: 8 * 1_048_576 });
}

/** Keeps some requests open at all times, so that a kill finds starts without an end. */
async function load(directory: string): Promise<void> {
  const acknowledgements = openSync(join(directory, "acknowledged"), "a");
  const requests = new ById(await open(directory));
  const openIds: string[] = [];
  for (let count = 0; ; count++) {
    const id = ulid(systemClock.now());
    if (!isLetIn(requests, id)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    writeSync(acknowledgements, `start ${id}\n`);
    openIds.push(id);
    const oldest = openIds.length > 5 ? openIds.shift() : undefined;
    if (oldest !== undefined) {
      requests.end(endOf(oldest, { tokens: { ...noTokens, input: 1 }, costMicros: 1 }));
      writeSync(acknowledgements, `end ${oldest}\n`);
    }
    if (count % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The journal is small and the load is not: until the settler has caught up, requests are refused. */
function isLetIn(requests: ById, requestId: string): boolean {
  try {
    requests.start(startOf(requestId, { startedAt: systemClock.now() }));
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === "journal_unavailable") return false;
    throw error;
  }
}

function declareTests(): void {
  const kills = Number(process.env["PORTCULLIS_TEST_KILLS"] ?? 20);
  test(`a gateway killed ${kills} times under load has one row for every request, and each is right`, async (t) => {
    const directory = temporaryDirectory(t);
    const db = await openDatabase({ url: "sqlite:", home: directory });
    t.after(() => db.close());
    await migrate(db);
    let killedWhileSettling = 0;
    for (let round = 0; round < kills; round++) {
      const before = await countRows(db);
      await killUnderLoad(directory, round);
      assert.ok(segmentsIn(join(directory, "journal")).length > 0, "it was killed while requests were open");
      if ((await countRows(db)) > before) killedWhileSettling += 1;
    }
    assert.ok(killedWhileSettling > kills / 4, `only ${killedWhileSettling} kills came while rows were settled`);
    const usage = await open(directory);
    await usage.flush();
    await usage.close();
    assert.deepEqual(segmentsIn(join(directory, "journal")), []);
    assert.equal(existsSync(join(directory, "journal", "rejected.log")), false);
    await checkLedger(t, db, readFileSync(join(directory, "acknowledged"), "utf8"), kills);
  });
}

async function countRows(db: Db): Promise<number> {
  const { data } = await summarize(db, { by: "outcome" });
  return data.reduce((sum, { requests }) => sum + requests, 0);
}

/** Kills at a different point each time: while it starts, recovers, writes, settles. */
async function killUnderLoad(directory: string, round: number): Promise<void> {
  const acknowledged = join(directory, "acknowledged");
  const sizeBefore = existsSync(acknowledged) ? readFileSync(acknowledged).length : 0;
  const child = spawn(process.execPath, [import.meta.filename, "load", directory], { stdio: "inherit" });
  const exited = once(child, "exit");
  while (!existsSync(acknowledged) || readFileSync(acknowledged).length < sizeBefore + 50 + 40_000 * (round % 10)) {
    assert.equal(child.exitCode, null, "the process ended by itself");
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  child.kill("SIGKILL");
  await exited;
}

async function checkLedger(t: TestContext, db: Db, acknowledged: string, kills: number): Promise<void> {
  const rows = new Map<string, RequestRow>();
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await listRequests(db, { limit: 5_000, ...(cursor !== undefined && { cursor }) });
    for (const row of page.data) {
      assert.ok(!rows.has(row.request_id), "a request has two rows");
      rows.set(row.request_id, row);
    }
    cursor = page.next_cursor;
  }
  const lines = acknowledged
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(" "));
  const started = lines.flatMap(([kind, id = ""]) => (kind === "start" ? [id] : []));
  const ended = new Set(lines.flatMap(([kind, id = ""]) => (kind === "end" ? [id] : [])));
  const lost = started.filter((id) => !rows.has(id));
  const wrong = [...ended].filter((id) => rows.get(id)?.outcome !== "ok" || rows.get(id)?.cost_micros !== 1);
  const counts = Object.groupBy(rows.values(), (row) => row.outcome);
  const interrupted = counts["interrupted"]?.length ?? 0;
  t.diagnostic(`${started.length} started, ${ended.size} ended, ${interrupted} interrupted; lost ${lost.length}`);
  assert.deepEqual([lost, wrong], [[], []]);
  // A kill between a call and its acknowledgement leaves one more start, or one more end, than was acknowledged.
  const completed = counts["ok"]?.length ?? 0;
  assert.equal(rows.size, completed + interrupted);
  assert.equal(await countRows(db), rows.size, "the sums are those of the rows");
  assert.ok(rows.size - started.length <= kills && completed - ended.size <= kills, "rows that nobody asked for");
  assert.ok(interrupted >= 5 * kills - kills, "each kill came upon five open requests");
}
