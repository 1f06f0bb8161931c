import assert from "node:assert/strict";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { databases } from "../../../test/support/databases.ts";
import { rewrapRecord, sealRecord } from "../envelope.ts";
import { keySizeBytes, systemRandom } from "../key-material.ts";
import { fill, freshHome, refOf, termsOf, vaultIn, valueOf } from "./test-parts.ts";

const count = 1_000;

for (const database of databases) {
  describe(`re-wrapping ${count} records on ${database.name}`, { skip: database.skip }, () => {
    test("leaves the event loop free in between", async (t) => {
      const db = await database.open();
      const vault = vaultIn(db, freshHome());
      await vault.start();
      await fill(vault, count);
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const startedAt = performance.now();
      await vault.rotateKek();
      let reads = 0;
      let worstMs = 0;
      while ((await vault.status()).rotation !== null) {
        const at = performance.now();
        vault.forget(refOf(reads % count));
        assert.equal((await vault.get(refOf(reads % count))).reveal(), valueOf(reads % count));
        worstMs = Math.max(worstMs, performance.now() - at);
        reads++;
        await pause(1);
      }
      const tookMs = performance.now() - startedAt;
      delay.disable();
      const [p50, p99] = [50, 99].map((percentile) => (delay.percentile(percentile) / 1e6).toFixed(1));
      t.diagnostic(
        `${Math.round((count / tookMs) * 1000)} records/s beside ${reads} reads (worst ${worstMs.toFixed(1)} ms); ` +
          `event loop: median ${p50} ms, p99 ${p99} ms, most ${(delay.max / 1e6).toFixed(1)} ms`,
      );
      assert.deepEqual(await termsOf(db), { terms: [2], used: [2] });
      assert.ok(delay.percentile(99) / 1e6 < 50);
    });
  });
}

test("the work of it is fast", (t) => {
  const [kek, next] = [systemRandom(keySizeBytes), { term: 2, kek: systemRandom(keySizeBytes) }];
  const place = { ...refOf(1), version: 1, term: 1, origins: ["https://api.example.com:443"] };
  const sealed = sealRecord(kek, place, Buffer.from(valueOf(1)));
  const rounds = 5_000;
  const took = Array.from({ length: 5 }, () => {
    const used = process.cpuUsage();
    for (let round = 0; round < rounds; round++) rewrapRecord(kek, place, sealed, next);
    const { user, system } = process.cpuUsage(used);
    return user + system;
  });
  const perSecond = Math.round((rounds / Math.min(...took)) * 1e6);
  t.diagnostic(`${perSecond} records/s of processor time`);
  assert.ok(perSecond > 5_000);
});
