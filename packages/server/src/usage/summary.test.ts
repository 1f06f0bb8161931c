import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { databases } from "../../test/support/databases.ts";
import type { Db } from "../db/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { noMedia, noTokens } from "../kernel/tokens.ts";
import { hourMs } from "./hourly-sums.ts";
import { createLedger } from "./ledger.ts";
import { valuesOf } from "./line.ts";
import { finalRow, interruptedRow, type RequestRecord } from "./record.ts";
import { prune } from "./retention.ts";
import { seenValues } from "./seen.ts";
import { series, summarize } from "./summary.ts";
import { addRequest, addSample, endOf, sampleStart as start, startOf } from "./test-parts.ts";

const nothingBesideText = {
  input_audio_tokens: 0,
  output_audio_tokens: 0,
  input_image_tokens: 0,
  output_image_tokens: 0,
  images: 0,
  characters: 0,
  audio_ms: 0,
  searches: 0,
};

for (const database of databases) {
  const promise = (name: string, run: (db: Db) => Promise<void>): void => {
    test(`${name} (${database.name})`, { skip: database.skip }, async () => run(await database.open()));
  };

  promise("sums come dearest first, and an unknown price is counted, not taken for zero", async (db) => {
    await addSample(db);
    const { data: groups } = await summarize(db, { by: "model" });
    assert.deepEqual(
      groups.map((group) => [group.model, group.requests, group.cost_usd, group.unpriced_requests]),
      [
        ["dear", 1, 2.5, 0],
        ["cheap", 2, 1.000001, 0],
        ["new", 2, 0, 2],
        ["free", 1, 0, 0],
      ],
    );
    assert.deepEqual(groups[2], {
      model: "new",
      requests: 2,
      errors: 2,
      input_tokens: 17,
      output_tokens: 20,
      cache_read_tokens: 30,
      cache_write_tokens: 9,
      reasoning_tokens: 6,
      ...nothingBesideText,
      cost_usd: 0,
      unpriced_requests: 2,
      average_latency_ms: 1_234,
    });
    assert.equal(groups[1]?.errors, 0, "a caller that left is not an error");
  });

  promise("sums can be taken by any dimension, in a span of time, of what matches", async (db) => {
    await addSample(db);
    const { data: byUser } = await summarize(db, { by: "user" });
    assert.deepEqual(
      byUser.map((group) => [group.user, group.requests]),
      [
        ["ada", 3],
        [null, 3],
      ],
    );
    const { data: byOutcome } = await summarize(db, { by: "outcome", match: { key: "key_b" } });
    assert.deepEqual(byOutcome.map((group) => [group.outcome, group.requests]).sort(), [
      ["aborted", 1],
      ["broken", 1],
      ["ok", 1],
    ]);
    const { data } = await summarize(db, { by: "service", since: start + 1, until: start + 3 });
    const [span] = data;
    assert.deepEqual([span?.service, span?.requests], [null, 2]);
    assert.deepEqual((await summarize(db, { by: "team", match: { team: "no such team" } })).data, []);
    assert.deepEqual((await summarize(db, { by: "model", match: { model: "' or 1=1 --" } })).data, []);
  });

  promise("points follow each other by hour or day, oldest first, and add up to the same", async (db) => {
    await addSample(db);
    await addRequest(db, "r7", { startedAt: start + 25 * hourMs + 1, model: "cheap" }, { costMicros: 9 });
    const points = async (options: Partial<Parameters<typeof series>[1]>) =>
      (await series(db, { bucket: "hour", ...options })).data.map((point) => [
        point.at,
        point.requests,
        point.cost_usd,
      ]);
    assert.deepEqual(await points({}), [
      ["2026-01-01T00:00:00.000Z", 6, 3.500001],
      ["2026-01-02T01:00:00.000Z", 1, 0.000009],
    ]);
    assert.deepEqual(await points({ bucket: "day", match: { model: "cheap" } }), [
      ["2026-01-01T00:00:00.000Z", 2, 1.000001],
      ["2026-01-02T00:00:00.000Z", 1, 0.000009],
    ]);
    const { data, span } = await series(db, { bucket: "day", since: start + 5, until: start + 7 });
    assert.deepEqual([data.length, data[0]?.requests, span], [1, 6, { since: start, until: start + 24 * hourMs }]);
    assert.deepEqual(await points({ match: { session: "no such session" } }), []);
  });

  promise("what a filter can be set to is known from the sums", async (db) => {
    await addSample(db);
    await addRequest(
      db,
      "r7",
      { startedAt: start + 2 * hourMs, model: "late", keyId: "key_c" },
      { outcome: "timeout" },
    );
    const all = await seenValues(db);
    assert.deepEqual(all.key, ["key_a", "key_b", "key_c"]);
    assert.deepEqual(all.model, ["cheap", "dear", "free", "late", "new"]);
    assert.deepEqual([all.user, all.service], [["ada", "ada@example.org"], []]);
    const late = await seenValues(db, start + hourMs + 1);
    assert.deepEqual([late.key, late.outcome], [["key_c"], ["timeout"]]);
  });

  promise("an interrupted row that is replaced moves from one sum to the other", async (db) => {
    const [open, counts] = [interruptedRow(startOf("r1")), { since: start, until: start + hourMs }];
    const ledger = createLedger(db);
    for (const row of [open, finalRow(open, endOf("r1")), open, finalRow(open, endOf("r1"))]) {
      await ledger.settle([valuesOf(row)]);
    }
    const { data } = await summarize(db, { by: "outcome", ...counts });
    assert.deepEqual(
      data.map((group) => [group.outcome, group.requests, group.input_tokens, group.cost_usd]),
      [["ok", 1, 5_100, 0.0201]],
    );
  });

  promise("a row that the database refuses is in no sum", async (db) => {
    const rows = ["r1", "r2", "r3"].map((id) =>
      valuesOf(finalRow(interruptedRow(startOf(id)), endOf(id, id === "r2" ? { attempts: 0.5 } : {}))),
    );
    assert.equal((await createLedger(db).settle(rows)).length, 1);
    const { data } = await summarize(db, { by: "key" });
    assert.deepEqual(
      data.map((group) => [group.requests, group.cost_usd]),
      [[2, 0.0402]],
    );
  });
}

interface Used {
  readonly id: string;
  readonly key: string;
  readonly model: string | null;
  readonly session: string;
  readonly startedAt: number;
  readonly input: number;
  readonly images: number | undefined;
  readonly cost: number | null;
  readonly outcome: "ok" | "broken" | "interrupted";
}

const hours = 5;
const used: fc.Arbitrary<Omit<Used, "id">> = fc.record({
  key: fc.constantFrom("key_a", "key_b"),
  model: fc.constantFrom("one", "two", null),
  session: fc.constantFrom("s1", "s2"),
  startedAt: fc
    .oneof(
      fc.nat(hours * hourMs),
      fc.nat(hours).map((hour) => hour * hourMs),
    )
    .map((at) => start + at),
  input: fc.nat(100_000),
  images: fc.option(fc.nat(9), { nil: undefined }),
  cost: fc.option(fc.nat(10_000_000)),
  outcome: fc.constantFrom("ok", "ok", "broken", "interrupted"),
});

function rowOf({ id, key, model, session, startedAt, input, images, cost, outcome }: Used): RequestRecord {
  const who = { keyId: key, sessionId: session, startedAt, model };
  const open = interruptedRow(startOf(id, { ...who, estimatedInput: input, floorCostMicros: cost }));
  if (outcome === "interrupted") return open;
  const tokens = { ...noTokens, input, ...(images !== undefined && { media: { ...noMedia, images } }) };
  return finalRow(open, endOf(id, { model, tokens, costMicros: cost, outcome }));
}

/** What the sums must be: added up one by one. */
function expected(all: readonly Used[], by: "key" | "model" | "session"): unknown[] {
  const groups = Object.entries(Object.groupBy(all, (one) => String(one[by])));
  const sum = (some: readonly Used[], count: (one: Used) => number): number =>
    some.reduce((total, one) => total + count(one), 0);
  return groups
    .map(([name, some = []]) => [
      name,
      some.length,
      sum(some, ({ input }) => input),
      sum(some, ({ images, outcome }) => (outcome === "interrupted" ? 0 : (images ?? 0))),
      sum(some, ({ cost }) => cost ?? 0),
      some.filter(({ cost }) => cost === null).length,
      some.filter(({ outcome }) => outcome !== "ok").length,
    ])
    .sort();
}

async function found(db: Db, options: Parameters<typeof summarize>[1]) {
  const { data, span } = await summarize(db, options);
  const groups = data.map((group) => [
    String(group[options.by]),
    group.requests,
    group.input_tokens,
    group.images,
    Math.round(group.cost_usd * 1e6),
    group.unpriced_requests,
    group.errors,
  ]);
  return { groups: groups.sort(), span };
}

const time = fc.option(
  fc.oneof(
    fc.integer({ min: -hourMs, max: (hours + 1) * hourMs }),
    fc.nat(hours).map((hour) => hour * hourMs),
  ),
  { nil: undefined },
);

for (const database of databases) {
  const runs = database.name === "SQLite" ? 20 : 5;

  test(`in any span, of any part, sums are those of the requests; also of those that were deleted (${database.name})`, {
    skip: database.skip,
  }, async () => {
    const asked = fc.record({
      since: time,
      until: time,
      by: fc.constantFrom("key", "model", "session"),
      match: fc.constantFrom({}, { model: "one" }, { session: "s1" }),
    });
    const property = fc.asyncProperty(
      fc.array(used, { minLength: 1, maxLength: 40 }),
      fc.array(asked, { minLength: 6, maxLength: 6 }),
      fc.nat(40),
      async (requests, questions, keptRows) => {
        const db = await database.open();
        const all = requests.map((one, index): Used => ({ id: `r${index}`, ...one }));
        await createLedger(db).settle(all.map((one) => valuesOf(rowOf(one))));
        for (const question of questions) await compare(db, all, question);
        await deleteAllBut(db, keptRows);
        for (const question of questions) await compare(db, all, question);
        await db.close();
      },
    );
    await fc.assert(property, { numRuns: runs });
  });
}

interface Question {
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly by: "key" | "model" | "session";
  readonly match: Readonly<Record<string, string>>;
}

/** Whatever span the answer says it is for, it has all requests of that span, and that span holds the one asked for. */
async function compare(db: Db, all: readonly Used[], { by, match, ...asked }: Question): Promise<void> {
  const since = asked.since === undefined ? undefined : start + asked.since;
  const until = asked.until === undefined ? undefined : start + asked.until;
  const { groups, span } = await found(db, { by, match, since, until });
  const within = all.filter(
    ({ startedAt, model, session }) =>
      startedAt >= (span.since ?? 0) &&
      startedAt < (span.until ?? Number.POSITIVE_INFINITY) &&
      (match["model"] ?? model) === model &&
      (match["session"] ?? session) === session,
  );
  assert.deepEqual(groups, expected(within, by));
  if (by === "session" || "session" in match) return; // only as far back as there are requests
  assert.ok((span.since ?? 0) <= (since ?? 0) && (since ?? 0) - (span.since ?? 0) < hourMs);
  if (until === undefined) assert.equal(span.until, undefined);
  else assert.ok(span.until !== undefined && span.until >= until && span.until - until < hourMs);
}

async function deleteAllBut(db: Db, rows: number): Promise<void> {
  const { rows: before, bytes } = await prune({ ...pruneParts, db });
  if (before <= rows) return;
  const room = { ...forEver, requestsMaxBytes: Math.floor(bytes / before) * rows };
  await prune({ ...pruneParts, db, retention: room });
}

const forEver = {
  requestsMs: systemClock.now(),
  sumsMs: systemClock.now(),
  requestsMaxBytes: Number.MAX_SAFE_INTEGER,
};
const pruneParts = { retention: forEver, clock: systemClock, signal: new AbortController().signal };
