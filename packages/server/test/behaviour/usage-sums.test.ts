import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { scriptHeaders } from "../../src/simulator/index.ts";
import { databases } from "../support/databases.ts";
import { openGate } from "../support/gateway.ts";
import { lastRow } from "./ask.ts";

/* What was used, as it is asked for over the admin API: sums, points, names, and costs at other prices. */

for (const database of databases) {
  describe(`usage (${database.name})`, { skip: database.skip }, async () => {
    const gate = await openGate({ storageUrl: await database.create("empty") });
    const { admin } = gate;
    const chat = (model: string, input: number) =>
      gate.post(
        "/v1/chat/completions",
        { model: `sim-chat/${model}`, messages: [{ role: "user", content: "x" }] },
        scriptHeaders({ usage: { input, output: 0 } }),
      );
    const addModel = (name: string, perToken?: number, perUnit?: Readonly<Record<string, number>>) =>
      admin.call(endpoints.models.create, {
        params: { id: "sim-chat" },
        input: {
          name,
          ...(perToken !== undefined && { price_micros_per_mtok: { input: perToken, output: perToken } }),
          ...(perUnit !== undefined && { price_micros_per_unit: perUnit }),
        },
      });

    test("points, sums and single requests tell the same", async () => {
      for (const input of [1, 20, 300]) await chat("counted", input);
      const query = { model: "counted" };
      const points = (await admin.call(endpoints.usage.series, { query: { ...query, bucket: "hour" } })).data;
      const sums = (await admin.call(endpoints.usage.sum, { query: { ...query, by: "provider", since: "1h" } })).data;
      const rows = (await admin.call(endpoints.requests.list, { query })).data;
      assert.equal(
        points.reduce((sum, point) => sum + point.input_tokens, 0),
        321,
      );
      assert.deepEqual(
        sums.map((row) => [row.provider, row.requests, row.input_tokens]),
        [["sim-chat", 3, 321]],
      );
      assert.equal(rows.length, 3);
    });

    test("what usage can be narrowed to is listed", async () => {
      await chat("listed", 1);
      const seen = await admin.call(endpoints.usage.filters);
      assert.ok(seen.model.includes("listed"));
      assert.deepEqual([seen.key, seen.provider, seen.outcome], [[gate.keyId], ["sim-chat"], ["ok"]]);
    });

    test("requests without a price are charged once it is known, when that is asked for, and it is put down who asked", async () => {
      await chat("priced-later", 1_000);
      const added = await addModel("priced-later", 3_000_000);
      const cost = async () => (await lastRow(gate)).cost_micros;
      assert.equal(await cost(), null, "a price counts from its day on");
      const input = { since: "1h", model: "priced-later" };
      const found = { rows: 1, changed: 1, before_cost_usd: 0, after_cost_usd: 0.003 };
      assert.deepEqual(await admin.call(endpoints.usage.recompute, { input: { ...input, dry_run: true } }), found);
      assert.equal(await cost(), null);
      assert.deepEqual(await admin.call(endpoints.usage.recompute, { input }), found);
      assert.equal(await cost(), 3_000);
      const { data } = await admin.call(endpoints.usage.sum, { query: { model: "priced-later" } });
      assert.deepEqual([data[0]?.cost_usd, data[0]?.unpriced_requests], [0.003, 0]);
      const [event] = (await admin.call(endpoints.audit.list, { query: { limit: 1 } })).data;
      assert.deepEqual([event?.action, event?.detail], ["usage.recompute", { ...input, dry_run: false }]);
      await admin.call(endpoints.models.remove, { params: { model_id: added.id } });
    });

    test("speech is charged by the character; without a price for it the cost is unknown", async () => {
      const speak = (model: string) =>
        gate.post("/v1/audio/speech", { model: `sim-chat/${model}`, voice: "alloy", input: "Grüß Gott" });
      await speak("voice");
      const unpriced = await lastRow(gate);
      assert.deepEqual([unpriced.characters, unpriced.cost_micros, unpriced.usage_source], [9, null, "estimated"]);
      await addModel("voice", undefined, { million_characters: 15_000_000 });
      await speak("voice");
      const priced = await lastRow(gate);
      assert.deepEqual([priced.characters, priced.input_tokens, priced.cost_micros], [9, 0, 135]);
      const { data } = await admin.call(endpoints.usage.sum, { query: { model: "voice" } });
      assert.deepEqual([data[0]?.characters, data[0]?.unpriced_requests], [18, 1]);
    });

    test("the status says how many requests are kept", async () => {
      const status = () => admin.call(endpoints.status.get);
      let { requests } = await status();
      while (requests === null) ({ requests } = await status()); // not looked through yet: the gateway has just started
      assert.equal(requests.dropped_rows, 0);
    });
  });
}
