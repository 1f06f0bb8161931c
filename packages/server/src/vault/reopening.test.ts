import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { createReopening } from "./reopening.ts";

/** Lets what was resolved go on. */
const turn = async (): Promise<void> => {
  for (let count = 0; count < 5; count++) await Promise.resolve();
};

function held(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  return async (ms: number): Promise<void> => {
    t.mock.timers.tick(ms);
    await turn();
  };
}

describe("a vault that waits for a service", () => {
  test("is tried again after 1, 2, 4, … seconds, at most a minute apart, until that is over", async (t) => {
    const pass = held(t);
    let attempts = 0;
    const reopening = createReopening(() => Promise.resolve(++attempts < 9));
    reopening.begin();
    reopening.begin(); // is under way
    let elapsed = 0;
    const times: number[] = [];
    while (elapsed < 600) {
      const before = attempts;
      await pass(1_000);
      elapsed++;
      if (attempts > before) times.push(elapsed);
    }
    assert.deepEqual(times, [1, 3, 7, 15, 31, 63, 123, 183, 243]);
  });

  test("is left alone once somebody stops it, also in the middle of an attempt", async (t) => {
    const pass = held(t);
    const attempts: PromiseWithResolvers<boolean>[] = [];
    const wanted: (() => boolean)[] = [];
    const reopening = createReopening((isWanted) => {
      const attempt = Promise.withResolvers<boolean>();
      attempts.push(attempt);
      wanted.push(isWanted);
      return attempt.promise;
    });
    reopening.begin();
    await pass(1_000);
    assert.deepEqual([attempts.length, wanted[0]?.()], [1, true]);
    reopening.stop();
    assert.equal(wanted[0]?.(), false);
    attempts[0]?.resolve(true);
    await pass(600_000);
    assert.equal(attempts.length, 1);
    reopening.begin();
    await pass(1_000);
    assert.deepEqual([attempts.length, wanted[1]?.()], [2, true], "and can begin anew");
  });
});
