import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { databases } from "../../test/support/databases.ts";
import type { Db } from "../db/index.ts";
import { noTokens } from "../kernel/tokens.ts";
import { createLedger } from "./ledger.ts";
import { columns } from "./line.ts";
import { getRequest, listRequests, summarize } from "./queries.ts";
import { finalRow, interruptedRow, type EndRecord, type StartRecord } from "./record.ts";
import { endOf, startOf } from "./test-parts.ts";

const start = Date.UTC(2026, 0, 1);

async function add(db: Db, id: string, started: Partial<StartRecord>, ended?: Partial<EndRecord>): Promise<void> {
  const open = interruptedRow(startOf(id, started));
  const { model = null, provider = null } = started;
  const row = ended === undefined ? open : finalRow(open, endOf(id, { model, provider, ...ended }));
  assert.deepEqual(await createLedger(db).settle([columns.map((column) => row[column])]), []);
}

async function addSample(db: Db): Promise<void> {
  const tokens = { input: 10, output: 20, cacheRead: 30, cacheWrite: 4, cacheWrite1h: 5, reasoning: 6 };
  const [ada, bob] = [
    { keyId: "key_a", userName: "ada" },
    { keyId: "key_b", userName: null },
  ];
  await add(db, "r1", { ...ada, model: "cheap", startedAt: start }, { tokens, costMicros: 1_000_000 });
  await add(db, "r2", { ...ada, model: "dear", startedAt: start + 1 }, { tokens, costMicros: 2_500_000 });
  await add(db, "r3", { ...bob, model: "cheap", startedAt: start + 2 }, { tokens, costMicros: 1, outcome: "aborted" });
  await add(db, "r4", { ...bob, model: "free", startedAt: start + 3 }, { tokens: noTokens, costMicros: 0 });
  await add(db, "r5", { ...bob, model: "new", startedAt: start + 3 }, { tokens, costMicros: null, outcome: "broken" });
  await add(db, "r6", { ...ada, model: "new", startedAt: start + 4, floorCostMicros: null, estimatedInput: 7 });
}

for (const database of databases) {
  const promise = (name: string, run: (db: Db) => Promise<void>): void => {
    test(`${name} (${database.name})`, { skip: database.skip }, async () => run(await database.open()));
  };

  promise("sums come dearest first, and an unknown price is counted, not taken for zero", async (db) => {
    await addSample(db);
    const groups = await summarize(db, { by: "model" });
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
      cost_usd: 0,
      unpriced_requests: 2,
    });
    assert.equal(groups[1]?.errors, 0, "a caller that left is not an error");
  });

  promise("sums can be taken by any dimension, in a span of time, of what matches", async (db) => {
    await addSample(db);
    const byUser = await summarize(db, { by: "user" });
    assert.deepEqual(
      byUser.map((group) => [group.user, group.requests]),
      [
        ["ada", 3],
        [null, 3],
      ],
    );
    const byOutcome = await summarize(db, { by: "outcome", match: { key: "key_b" } });
    assert.deepEqual(byOutcome.map((group) => [group.outcome, group.requests]).sort(), [
      ["aborted", 1],
      ["broken", 1],
      ["ok", 1],
    ]);
    const [span] = await summarize(db, { by: "service", since: start + 1, until: start + 3 });
    assert.deepEqual([span?.service, span?.requests], [null, 2]);
    assert.deepEqual(await summarize(db, { by: "team", match: { team: "no such team" } }), []);
    assert.deepEqual(await summarize(db, { by: "model", match: { model: "' or 1=1 --" } }), []);
  });

  promise("a request is shown as it is stored, with times that people can read", async (db) => {
    await addSample(db);
    const row = await getRequest(db, "r2");
    assert.deepEqual([row?.started_at, row?.stream], ["2026-01-01T00:00:00.001Z", true]);
    assert.deepEqual([row?.model, row?.cost_micros, row?.cache_write_1h_tokens], ["dear", 2_500_000, 5]);
    assert.equal((await getRequest(db, "r6"))?.ended_at, null);
    assert.equal(await getRequest(db, "r9"), undefined);
  });

  promise("the list is newest first, and can be narrowed", async (db) => {
    await addSample(db);
    const list = async (options: Partial<Parameters<typeof listRequests>[1]>) =>
      (await listRequests(db, { limit: 10, ...options })).data.map((row) => row.request_id);
    assert.deepEqual(await list({}), ["r6", "r5", "r4", "r3", "r2", "r1"]);
    assert.deepEqual(await list({ match: { key: "key_a", model: "cheap" } }), ["r1"]);
    assert.deepEqual(await list({ match: { outcome: "interrupted" } }), ["r6"]);
    assert.deepEqual(await list({ since: start + 3, until: start + 4 }), ["r5", "r4"]);
  });

  promise("pages follow each other without gap or repetition, also while requests are added", async (db) => {
    await addSample(db);
    for (const limit of [1, 2, 3, 5, 6, 7]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await listRequests(db, { limit, until: start + 10, ...(cursor !== null && { cursor }) });
        seen.push(...page.data.map((row) => row.request_id));
        cursor = page.next_cursor;
        await add(db, `later-${limit}-${seen.length}`, { startedAt: start + 10 }, {});
      } while (cursor !== null);
      assert.deepEqual(seen, ["r6", "r5", "r4", "r3", "r2", "r1"], `pages of ${limit}`);
    }
  });

  promise("a cursor that no page gave is refused, not taken for the first page", async (db) => {
    for (const cursor of ["", "x", "bm9uc2Vuc2U", Buffer.from("1 ").toString("base64url")]) {
      await assert.rejects(listRequests(db, { limit: 5, cursor }), { code: "invalid_request" }, cursor);
    }
  });
}

test("sums agree with the rows they are taken from", async () => {
  const [database] = databases;
  assert.ok(database !== undefined);
  const cost = fc.option(fc.nat(10_000_000));
  const request = fc.record({ key: fc.constantFrom("key_a", "key_b"), input: fc.nat(100_000), cost });
  const property = fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 20 }), async (requests) => {
    const db = await database.open();
    for (const [index, { key, input, cost: costMicros }] of requests.entries()) {
      await add(db, `r${index}`, { keyId: key }, { tokens: { ...noTokens, input }, costMicros });
    }
    const groups = await summarize(db, { by: "key" });
    for (const group of groups) {
      const mine = requests.filter(({ key }) => key === group.key);
      assert.equal(group.requests, mine.length);
      assert.equal(
        group.input_tokens,
        mine.reduce((sum, { input }) => sum + input, 0),
      );
      assert.equal(
        Math.round(group.cost_usd * 1e6),
        mine.reduce((sum, { cost: micros }) => sum + (micros ?? 0), 0),
      );
      assert.equal(group.unpriced_requests, mine.filter(({ cost: micros }) => micros === null).length);
    }
    assert.equal(
      groups.reduce((sum, group) => sum + group.requests, 0),
      requests.length,
    );
  });
  await fc.assert(property, { numRuns: 10 });
});
