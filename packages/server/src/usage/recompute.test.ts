import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import type { Db } from "../db/index.ts";
import { noMedia, noTokens, type TokenUsage } from "../kernel/tokens.ts";
import { createLedger } from "./ledger.ts";
import { valuesOf } from "./line.ts";
import { recompute } from "./recompute.ts";
import { finalRow, interruptedRow } from "./record.ts";
import { series, summarize } from "./summary.ts";
import { addRequest, endOf, sampleStart as start, startOf } from "./test-parts.ts";

const whole = { filter: {}, dryRun: false };

/** Two micro-dollars a token, ten an image; of the model `new` only. */
function costOf(_provider: string, model: string, { input, media }: TokenUsage): number | undefined {
  return model === "new" ? 2 * input + 10 * (media?.images ?? 0) : undefined;
}

const charged = async (db: Db): Promise<unknown[]> =>
  (await db.kysely.selectFrom("requests").select("cost_micros").orderBy("request_id").execute()).map(
    (row) => row.cost_micros,
  );

for (const database of databases) {
  const promise = (name: string, run: (db: Db) => Promise<void>): void => {
    test(`${name} (${database.name})`, { skip: database.skip }, async () => run(await database.open()));
  };

  promise("requests are charged at today's price, and their sums with them", async (db) => {
    const model = { model: "new", provider: "mine" };
    const tokens = { ...noTokens, input: 100 };
    const media = { ...noMedia, images: 3 };
    await addRequest(db, "r1", { ...model, startedAt: start }, { tokens, costMicros: 7 });
    await addRequest(db, "r2", { ...model, startedAt: start + 1 }, { tokens, costMicros: null });
    await addRequest(db, "r3", { ...model, startedAt: start + 2 }, { tokens: { ...tokens, media }, costMicros: 200 });
    await addRequest(db, "r4", { ...model, startedAt: start + 3 }, { tokens, costMicros: 200 });
    await addRequest(db, "r5", { ...model, startedAt: start + 4, estimatedInput: 4, floorCostMicros: null });
    await addRequest(db, "r6", { model: "old", provider: "mine", startedAt: start + 5 }, { tokens, costMicros: 50 });
    const dry = await recompute(db, { ...whole, costOf, dryRun: true });
    assert.deepEqual(dry, { rows: 6, changed: 4, beforeMicros: 457, afterMicros: 200 + 200 + 230 + 200 + 8 + 50 });
    assert.deepEqual(await charged(db), [7, null, 200, 200, null, 50]);
    assert.deepEqual(await recompute(db, { ...whole, costOf }), dry);
    assert.deepEqual(await charged(db), [200, 200, 230, 200, 8, 50]);
    const { data } = await summarize(db, { by: "model" });
    assert.deepEqual(
      data.map((group) => [group.model, group.requests, group.input_tokens, group.cost_usd, group.unpriced_requests]),
      [
        ["new", 5, 404, 0.000838, 0],
        ["old", 1, 100, 0.00005, 0],
      ],
    );
    assert.equal((await recompute(db, { ...whole, costOf })).changed, 0, "there is nothing left to change");
  });

  promise("what an error was answered with stays free; a model without a price stays as it was", async (db) => {
    const model = { model: "new", provider: "mine" };
    await addRequest(db, "r1", model, { tokens: noTokens, costMicros: 0, outcome: "refused" });
    await addRequest(db, "r2", model, { tokens: noTokens, costMicros: 0, outcome: "upstream_error" });
    await addRequest(db, "r3", { model: "new" }, { costMicros: 5 });
    await addRequest(db, "r4", { provider: "mine" }, { costMicros: 5 });
    await addRequest(db, "r5", model, { tokens: noTokens, costMicros: null, usageSource: "unknown" });
    const dear = { ...whole, costOf: (): number => 1_000 };
    assert.deepEqual(await recompute(db, dear), { rows: 5, changed: 0, beforeMicros: 10, afterMicros: 10 });
  });

  promise("only the requests that are asked for are charged anew, in as many batches as it takes", async (db) => {
    const requests = Array.from({ length: 250 }, (_, index) => {
      const model = { model: "new", provider: index % 2 === 0 ? "even" : "odd" };
      const startedAt = start + (index % 7); // many at the same instant
      const end = endOf(`r${index}`, { ...model, tokens: { ...noTokens, input: 1 }, costMicros: 1 });
      return valuesOf(finalRow(interruptedRow(startOf(`r${index}`, { ...model, startedAt })), end));
    });
    await createLedger(db).settle(requests);
    const filter = { match: { provider: "even" }, since: start, until: start + 7 };
    const { rows, changed, afterMicros } = await recompute(db, { costOf, filter, dryRun: false });
    assert.deepEqual([rows, changed, afterMicros], [125, 125, 250]);
    const { data } = await series(db, { bucket: "day" });
    assert.deepEqual(
      data.map((point) => [point.requests, point.cost_usd]),
      [[250, 0.000375]],
    );
  });
}
