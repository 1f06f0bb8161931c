import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { fakeClock } from "../kernel/clock.ts";
import { credentialUse } from "./credential-use.ts";
import { addRequest } from "./test-parts.ts";

const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 1);

for (const database of databases) {
  test(`each credential's requests and errors are counted once, over every slice of the time asked for (${database.name})`, {
    skip: database.skip,
  }, async () => {
    const db = await database.open();
    const times = [0, 1, 299_999, 300_000, 300_001, hourMs, 5 * hourMs, 23 * hourMs];
    for (const [index, at] of times.entries()) {
      await addRequest(db, `a${index}`, { startedAt: start + at, credentialId: "cred_a" }, { credentialId: "cred_a" });
    }
    const failed = { credentialId: "cred_b", outcome: "upstream_error" } as const;
    await addRequest(db, "b1", { startedAt: start + hourMs, credentialId: "cred_b" }, failed);
    await addRequest(db, "b2", { startedAt: start, credentialId: "cred_b" }, { ...failed, outcome: "aborted" });
    await addRequest(db, "n1", { startedAt: start + 5, credentialId: null }, { credentialId: null });
    await addRequest(db, "late", { startedAt: start + 24 * hourMs, credentialId: "cred_a" }, {});
    await addRequest(db, "early", { startedAt: start - 1, credentialId: "cred_a" }, {});

    const span = { since: start, until: start + 24 * hourMs, clock: fakeClock() };
    assert.deepEqual(
      await credentialUse(db, span),
      new Map([
        ["cred_a", { requests: 8, errors: 0, lastUsedAt: start + 23 * hourMs }],
        ["cred_b", { requests: 2, errors: 1, lastUsedAt: start + hourMs }],
      ]),
    );
    assert.deepEqual(await credentialUse(db, { ...span, until: start }), new Map());
  });
}
