import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { postgresObstacle, startPostgres } from "../../test/support/postgres.ts";
import { migrate, openDatabase } from "../db/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { getRequest, listRequests } from "./queries.ts";
import { endOf, keptLog, segmentsIn, startOf, temporaryDirectory } from "./test-parts.ts";
import { openUsage, type Usage, type UsageParts } from "./usage.ts";

function run(usage: Usage, ...ids: readonly string[]): void {
  const started = ids.map((id) => ({ id, request: usage.start(startOf(id)) }));
  for (const { id, request } of started) usage.end(request, endOf(id));
}

function ids(count: number, prefix = "r"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(5, "0")}`);
}

async function open(t: TestContext, parts: Pick<UsageParts, "directory" | "database"> & Partial<UsageParts>) {
  const log = keptLog();
  const usage = await openUsage({ clock: systemClock, log, ...parts });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= usage.close());
  t.after(close);
  return { usage, log, close };
}

for (const database of databases) {
  const skip = { skip: database.skip };

  test(`after a flush every request that has ended is in the database, once (${database.name})`, skip, async (t) => {
    const directory = temporaryDirectory(t);
    const url = await database.create("migrated");
    const { usage, close } = await open(t, { directory, database: { url, home: directory } });
    run(usage, ...ids(1_500));
    const last = usage.start(startOf("open"));
    await usage.flush();
    const db = await openDatabase({ url, home: directory });
    t.after(() => db.close());
    const page = await listRequests(db, { limit: 2_000 });
    assert.deepEqual(page.data.map((row) => row.request_id).sort(), ids(1_500));
    assert.ok(page.data.every((row) => row.outcome === "ok" && row.cost_micros === 20_100));
    assert.deepEqual([usage.health().ok, usage.health().lag_rows, usage.health().problem], [true, 0, undefined]);

    usage.end(last, endOf("open"));
    await close();
    assert.equal((await getRequest(db, "open"))?.outcome, "ok");
    assert.deepEqual(segmentsIn(directory), [], "nothing is left to settle");
  });

  test(`rows arrive without being asked for (${database.name})`, skip, async (t) => {
    const directory = temporaryDirectory(t);
    const url = await database.create("migrated");
    const { usage } = await open(t, { directory, database: { url, home: directory } });
    run(usage, "r1");
    while (usage.health().lag_rows > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const db = await openDatabase({ url, home: directory });
    t.after(() => db.close());
    assert.equal((await getRequest(db, "r1"))?.outcome, "ok");
  });

  test(`old files are deleted as they are settled (${database.name})`, skip, async (t) => {
    const directory = temporaryDirectory(t);
    const url = await database.create("migrated");
    const { usage } = await open(t, { directory, database: { url, home: directory }, maxBytes: 1_048_576 });
    for (let round = 0; round < 8; round++) {
      run(usage, ...ids(250, `${round}-`)); // together more than the journal may hold
      await usage.flush();
      assert.ok(segmentsIn(directory).length <= 2, `${segmentsIn(directory).length} files`);
    }
    assert.ok(usage.health().journal_bytes <= 200_000);
  });

  test(
    `requests that were open when the gateway stopped are interrupted and charged (${database.name})`,
    skip,
    async (t) => {
      const directory = temporaryDirectory(t);
      const url = await database.create("migrated");
      const { usage, close } = await open(t, { directory, database: { url, home: directory } });
      usage.start(startOf("r1"));
      usage.start(startOf("r2", { floorCostMicros: null }));
      await close();
      const db = await openDatabase({ url, home: directory });
      t.after(() => db.close());
      const [first, second] = [await getRequest(db, "r1"), await getRequest(db, "r2")];
      assert.deepEqual([first?.outcome, first?.usage_source, first?.cost_micros], ["interrupted", "estimated", 15_258]);
      assert.deepEqual([first?.input_tokens, first?.ended_at, second?.cost_micros], [5_086, null, null]);
      assert.throws(() => usage.start(startOf("r3")), { code: "draining" });
    },
  );
}

test("a database that is away at the start holds up nothing, and gets its rows when it comes", async (t) => {
  const directory = temporaryDirectory(t);
  const home = join(directory, "home");
  const { usage, log } = await open(t, { directory: join(directory, "journal"), database: { url: "sqlite:", home } });
  run(usage, ...ids(20));
  await assert.rejects(usage.flush(), { code: "database_unavailable" });
  const { ok, lag_rows: lagRows, problem } = usage.health();
  assert.deepEqual([ok, lagRows], [true, 20]);
  assert.match(problem ?? "", /database/);
  assert.ok(!problem?.includes(directory), "no path in it: this is shown to anybody");
  assert.ok(log.lines.some((line) => line.level === "error"));

  mkdirSync(home, { mode: 0o700 });
  const db = await openDatabase({ url: "sqlite:", home });
  t.after(() => db.close());
  await migrate(db);
  await usage.flush();
  assert.deepEqual([usage.health().lag_rows, usage.health().problem], [0, undefined]);
  assert.equal((await listRequests(db, { limit: 100 })).data.length, 20);
  assert.equal(log.lines.at(-1)?.message, "usage reaches the database again");
});

test("a database that goes away and comes back loses no row and doubles none", {
  skip: postgresObstacle(),
}, async (t) => {
  const directory = temporaryDirectory(t);
  const server = await startPostgres();
  t.after(() => server.stop());
  const db = await openDatabase({ url: server.url, home: directory });
  await migrate(db);
  await db.close();
  const { usage } = await open(t, { directory, database: { url: server.url, home: directory }, maxBytes: 1_048_576 });
  run(usage, ...ids(100, "before-"));
  await usage.flush();

  await server.crash();
  let admitted = 0;
  for (const id of ids(3_000, "during-")) {
    try {
      run(usage, id);
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, "journal_unavailable");
      break;
    }
    admitted += 1;
    if (admitted === 300) await assert.rejects(usage.flush(), { code: "database_unavailable" });
  }
  assert.ok(admitted > 500 && admitted < 3_000, `the journal held ${admitted} requests`);
  assert.deepEqual([usage.health().ok, usage.health().lag_rows], [false, admitted]);

  await server.restart();
  await usage.flush();
  assert.deepEqual([usage.health().ok, usage.health().lag_rows], [true, 0], "it recovers alone");
  run(usage, ...ids(100, "after-"));
  await usage.flush();
  const again = await openDatabase({ url: server.url, home: directory });
  const { data } = await listRequests(again, { limit: 10_000 });
  await again.close();
  const expected = [...ids(100, "before-"), ...ids(admitted, "during-"), ...ids(100, "after-")];
  assert.deepEqual(data.map((row) => row.request_id).sort(), expected.sort());
  assert.ok(data.every((row) => row.outcome === "ok"));
});

test("the thread that settles is started again when it dies, and takes up where it was", async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, "rejected.log")); // a directory in the place of its file: the thread cannot start
  const url = (await databases[0]?.create("migrated")) ?? "";
  const { usage, log } = await open(t, { directory, database: { url, home: directory } });
  run(usage, ...ids(5));
  const flushed = usage.flush();
  while (log.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.match(log.lines[0]?.message ?? "", /thread that settles usage has failed/);
  rmdirSync(join(directory, "rejected.log"));
  await flushed;
  assert.deepEqual([usage.health().lag_rows, usage.health().problem], [0, undefined]);
});

test("a row that the database refuses shows in health", async (t) => {
  const directory = temporaryDirectory(t);
  const url = (await databases[0]?.create("migrated")) ?? "";
  const { usage, log } = await open(t, { directory, database: { url, home: directory } });
  usage.end(usage.start(startOf("r1")), endOf("r1", { attempts: 0.5 }));
  run(usage, "r2");
  await usage.flush();
  assert.deepEqual([usage.health().ok, usage.health().lag_rows], [true, 0]);
  assert.match(usage.health().problem ?? "", /1 usage rows were put aside/);
  assert.ok(log.lines.some((line) => line.level === "error"));
  assert.ok(readdirSync(directory).includes("rejected.log"));
});
