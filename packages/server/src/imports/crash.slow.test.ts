import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { clear, Crash, everything, openImports, stateOf } from "./test-parts.ts";

for (const database of databases) {
  const options = { skip: database.skip };

  test(
    `a run that is stopped at any write is completed by the next, and nothing comes twice (${database.name})`,
    options,
    async () => {
      const reference = await openImports(database);
      const steps: string[] = [];
      const whole = await reference.start((step) => void steps.push(step));
      await whole.run(everything);
      const wanted = await stateOf(whole);
      assert.ok(steps.length > 30, String(steps.length));
      const parts = await openImports(database);
      for (let stop = 0; stop < steps.length; stop++) {
        await clear(await parts.start());
        let count = 0;
        const stopped = await parts.start(() => {
          if (count++ === stop) throw new Crash();
        });
        await assert.rejects(stopped.run(everything, { again: true }), Crash, steps[stop]);
        const after = await parts.start();
        const results = await after.run(everything, { again: true });
        assert.ok(
          results.every(({ outcome }) => outcome === "imported" || outcome === "present"),
          `${steps[stop]}: ${inspect(results)}`,
        );
        assert.deepEqual(await stateOf(after), wanted, `stopped at ${stop}, ${steps[stop]}`);
      }
    },
  );
}
