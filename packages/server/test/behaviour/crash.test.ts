import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import { endpoints } from "@portcullis/contract";
import { openDatabase, type RequestsTable } from "../../src/db/index.ts";
import { createSimulator, type RecordedRequest } from "../../src/simulator/index.ts";
import { databases, type TestDatabase } from "../support/databases.ts";
import { temporaryHome } from "../support/gateway.ts";
import { startMixedLoad, type AskedRequest } from "../support/mixed-load.ts";
import { furnish, serve, serveBriefly, type GatewayProcess, type ServeOptions } from "../support/process.ts";
import { seededRandom, type Random } from "../support/random.ts";

/*
 * No usage is lost and none is counted twice, whenever the process dies. The gateway runs as its users run it, under
 * mixed load, and is killed with SIGKILL at a random instant; the next one starts on the same home. In every tenth
 * round the new process is killed, too, while it is still starting.
 */

const callers = 16;
/** Gateways that are crashed side by side, each with a home of its own: while one starts, the other works. */
const lanes = 2;
const providerKey = "sk-provider-key-of-the-simulator";

for (const database of databases) {
  const rounds = Number(process.env["PORTCULLIS_TEST_ROUNDS"] ?? (database.name === "SQLite" ? 100 : 26));
  test(`${rounds} times kill -9 under load: every reply that ended has one row, every request sent has one (${database.name})`, {
    skip: database.skip,
  }, async (t) => {
    const { seed } = seededRandom();
    t.diagnostic(`seed ${seed}; to repeat: PORTCULLIS_TEST_SEED=${seed}`);
    const started = performance.now();
    const all = await Promise.all(
      Array.from({ length: lanes }, (_, lane) =>
        crashRepeatedly(t, database, Math.ceil(rounds / lanes), seededRandom(seed + lane)),
      ),
    );
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    t.diagnostic(`${rounds} × kill -9 under load on ${database.name} in ${seconds} s`);
    for (const facts of all) t.diagnostic(check(facts));
    assertEverySort(all.flatMap(({ rows }) => rows));
  });
}

interface Facts {
  /** As the callers saw it. */
  readonly asked: readonly AskedRequest[];
  /** As the provider saw it, by tag. */
  readonly sent: ReadonlyMap<string, readonly RecordedRequest[]>;
  /** As it was written down. */
  readonly rows: readonly RequestsTable[];
  readonly summed: { readonly requests: number; readonly input: number; readonly output: number };
  readonly leftInJournal: readonly string[];
}

async function crashRepeatedly(t: TestContext, database: TestDatabase, rounds: number, random: Random): Promise<Facts> {
  const simulator = createSimulator({ apiKeys: [providerKey] });
  const upstream = await simulator.listen();
  t.after(() => simulator.close());
  const home = join(temporaryHome(), "home");
  const storageUrl =
    database.name === "SQLite" ? `sqlite:${join(home, "portcullis.db")}` : await database.create("empty");
  // The smallest journal, so that its files are changed often.
  const environment = { PORTCULLIS_STORAGE_URL: storageUrl, PORTCULLIS_USAGE_JOURNAL_MAX_BYTES: "1048576" };
  const options: ServeOptions = { home, environment };

  let gate = await serve(options);
  const key = await furnish(gate.admin, upstream.url, providerKey);
  await gate.stop(); // a process that ends by itself leaves what Node compiled to those that start after it
  gate = await serve(options);
  const asked: AskedRequest[] = [];
  const sent = new Map<string, RecordedRequest[]>();
  for (let round = 1; round <= rounds; round++) {
    const load = startMixedLoad({ url: gate.url, key }, callers, random, asked);
    if (random.fraction() < 0.75) await load.underWay;
    await pause(random.between(30, 150));
    const killed = gate.kill();
    await load.stop();
    const { signal, stderr } = await killed;
    assert.equal(signal, "SIGKILL", `the gateway ended by itself: ${stderr}`);
    await simulator.idle();
    for (const request of simulator.requests) {
      const tag = tagOf(request);
      sent.set(tag, [...(sent.get(tag) ?? []), request]);
    }
    simulator.clear();
    if (round % 10 === 0) await serveBriefly(options, random.between(20, 450));
    gate = await serve(options);
    // Rows may wait through several short lives, but not for ever: this journal is small.
    if (round % 5 === 0) await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
  }
  const summed = await sumUp(gate);
  const { code, stderr } = await gate.stop();
  assert.equal(code, 0, stderr);
  const rows = await readRows(storageUrl, home);
  return { asked, sent, rows, summed, leftInJournal: globSync(join(home, "journal", "*")) };
}

function tagOf({ headers }: RecordedRequest): string {
  return headers[headers.indexOf("x-claude-code-session-id") + 1] ?? "";
}

async function sumUp({ admin }: GatewayProcess): Promise<Facts["summed"]> {
  const { data } = await admin.call(endpoints.usage.sum, { query: { by: "provider" } });
  const sum = (count: (group: (typeof data)[number]) => number): number =>
    data.reduce((total, group) => total + count(group), 0);
  return {
    requests: sum((group) => group.requests),
    input: sum((group) => group.input_tokens),
    output: sum((group) => group.output_tokens),
  };
}

async function readRows(url: string, home: string): Promise<readonly RequestsTable[]> {
  const db = await openDatabase({ url, home });
  try {
    return await db.kysely.selectFrom("requests").selectAll().execute();
  } finally {
    await db.close();
  }
}

/** Compares what the callers and the provider saw with the rows; returns the figures. */
function check({ asked, sent, rows, summed, leftInJournal }: Facts): string {
  const byTag = Map.groupBy(rows, (row) => row.session_id ?? "");
  const ended = asked.filter((request) => request.ended);
  const cut = asked.filter((request) => !request.ended && sent.has(request.tag));

  assertNone(
    "replies that ended and are not recorded as they were",
    ended.flatMap((request) => problemOf(request, byTag.get(request.tag) ?? [])),
  );
  assertNone(
    "requests that were sent, cut, and not recorded so",
    cut.flatMap((request) => problemOfCut(request, sent.get(request.tag) ?? [], byTag.get(request.tag) ?? [])),
  );
  assertNone(
    "requests with more than one row",
    [...byTag].filter(([, found]) => found.length > 1),
  );
  assert.equal(new Set(rows.map((row) => row.request_id)).size, rows.length);
  const known = new Set(asked.map((request) => request.tag));
  assertNone(
    "rows of requests that nobody made",
    rows.filter((row) => !known.has(row.session_id ?? "")),
  );

  const reported = ended.flatMap(({ tokens }) => tokens ?? []);
  const endedRows = ended.filter(({ tokens }) => tokens !== undefined).flatMap(({ tag }) => byTag.get(tag) ?? []);
  const tokens = { input: total(reported, (one) => one.input), output: total(reported, (one) => one.output) };
  assert.deepEqual(tokens, {
    input: total(endedRows, (row) => row.input_tokens),
    output: total(endedRows, (row) => row.output_tokens),
  });
  const all = { input: total(rows, (row) => row.input_tokens), output: total(rows, (row) => row.output_tokens) };
  assert.deepEqual(summed, { requests: rows.length, ...all }, "what `usage` says is what the rows say");
  assert.deepEqual(leftInJournal, [], "the journal is settled and empty");

  const outcomes = Map.groupBy(rows, (row) => row.outcome);
  const counts = [...outcomes].map(([outcome, found]) => `${found.length} ${outcome}`).sort();
  return (
    `${asked.length} requests; ${ended.length} replies ended = ${ended.length} rows with their outcome and ` +
    `${tokens.input} + ${tokens.output} tokens; ${sent.size} sent to the provider, each with one row; ` +
    `${cut.length} cut; 0 lost, 0 doubled. Rows: ${counts.join(", ")}`
  );
}

function assertEverySort(rows: readonly RequestsTable[]): void {
  const outcomes = new Set<string>(rows.map((row) => row.outcome));
  for (const outcome of ["ok", "interrupted", "aborted", "broken", "refused", "upstream_error"]) {
    assert.ok(outcomes.has(outcome), `no request of the load was ${outcome}: the load proves nothing about it`);
  }
}

/** Shows the first few: of hundreds, nobody would read more. */
function assertNone(what: string, problems: readonly unknown[]): void {
  assert.equal(problems.length, 0, `${problems.length} ${what}: ${inspect(problems.slice(0, 3), { depth: 4 })}`);
}

/** A reply that the caller has: one row, with its id, its outcome and its tokens. */
function problemOf(request: AskedRequest, rows: readonly RequestsTable[]): readonly object[] {
  const [row] = rows;
  const { requestId, outcome, status, tokens } = request;
  const expected = {
    requestId,
    outcome,
    status,
    input: tokens?.input ?? row?.input_tokens,
    output: tokens?.output ?? row?.output_tokens,
  };
  const got = {
    requestId: row?.request_id,
    outcome: row?.outcome,
    status: row?.status,
    input: row?.input_tokens,
    output: row?.output_tokens,
  };
  return rows.length === 1 && isSame(expected, got) ? [] : [{ request, rows }];
}

/** A request that a provider got and whose reply the caller does not have whole: one row; not `ok` if the provider was not done. */
function problemOfCut(
  request: AskedRequest,
  sent: readonly RecordedRequest[],
  rows: readonly RequestsTable[],
): readonly object[] {
  const [row] = rows;
  const whole = sent.some((one) => !one.aborted);
  const possible = ["interrupted", "aborted", "broken", ...(whole ? [request.outcome] : [])];
  const matches = rows.length === 1 && row !== undefined && possible.includes(row.outcome);
  const sameId = request.requestId === undefined || request.requestId === row?.request_id;
  return matches && sameId ? [] : [{ request, whole, rows }];
}

function isSame(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(one).every((name) => one[name] === other[name]);
}

function total<Item>(items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + count(item), 0);
}
