import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeClock } from "../kernel/clock.ts";
import { databases } from "../../test/support/databases.ts";
import { createAuditLog } from "./log.ts";

for (const database of databases) {
  describe(`audit log (${database.name})`, { skip: database.skip }, () => {
    test("events are numbered and chained in the order they were recorded, also when recorded at once", async () => {
      const audit = createAuditLog(await database.open(), fakeClock());
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => audit.record({ actor: "a", action: `x.${index}`, target: "t" })),
      );
      const events = await audit.list(100);
      assert.deepEqual(
        events.map((event) => event.seq),
        Array.from({ length: 20 }, (_, index) => 20 - index),
      );
      assert.deepEqual(
        events.map((event) => event.action).reverse(),
        Array.from({ length: 20 }, (_, index) => `x.${index}`),
      );
      assert.equal(new Set(events.map((event) => event.hash)).size, 20);
    });

    test("a page holds what is older than its cursor", async () => {
      const audit = createAuditLog(await database.open(), fakeClock());
      for (let index = 0; index < 5; index++)
        await audit.record({ actor: "a", action: "x", target: String(index), detail: { index } });
      assert.deepEqual(
        (await audit.list(2)).map((event) => event.detail),
        [{ index: 4 }, { index: 3 }],
      );
      assert.deepEqual(
        (await audit.list(2, 4)).map((event) => event.seq),
        [3, 2],
      );
    });

    test("an event that cannot be written is an error, and the next one is written all the same", async () => {
      const db = await database.open();
      const audit = createAuditLog(db, fakeClock());
      const circular: Record<string, unknown> = {};
      circular["self"] = circular;
      await assert.rejects(audit.record({ actor: "a", action: "x", target: "t", detail: circular }));
      await audit.record({ actor: "a", action: "y", target: "t" });
      assert.equal((await audit.list(10)).length, 1);
    });
  });
}
