import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { databases } from "../../test/support/databases.ts";
import type { Db } from "../db/index.ts";
import { describeLosses } from "./dropped.ts";
import { findResponse, getRequest, listRequests } from "./queries.ts";
import { addRequest, addSample, sampleStart as start } from "./test-parts.ts";

for (const database of databases) {
  const promise = (name: string, run: (db: Db) => Promise<void>): void => {
    test(`${name} (${database.name})`, { skip: database.skip }, async () => run(await database.open()));
  };

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

  promise("what was translated is told apart from what was not, with all that it lost", async (db) => {
    const dropped = describeLosses([
      { path: "temperature", kind: "dropped" },
      { path: "stop", kind: "changed" },
    ]);
    await addRequest(db, "r1", {}, {});
    await addRequest(db, "r2", {}, { upstreamDialect: "openai-chat", dropped });
    await addRequest(db, "r3", {}, { upstreamDialect: "gemini" });
    await addRequest(db, "r4", {}, { attempts: 0, upstreamDialect: null });
    await addRequest(db, "r5", {});
    const list = async (translated: boolean) =>
      (await listRequests(db, { limit: 10, translated })).data.map((row) => row.request_id).sort();
    assert.deepEqual(await list(true), ["r2", "r3"]);
    assert.deepEqual(await list(false), ["r1", "r4", "r5"]);
    assert.deepEqual((await getRequest(db, "r2"))?.dropped, [
      { path: "temperature", kind: "dropped" },
      { path: "stop", kind: "changed" },
    ]);
    assert.deepEqual((await getRequest(db, "r3"))?.dropped, null);
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
        await addRequest(db, `later-${limit}-${seen.length}`, { startedAt: start + 10 }, {});
      } while (cursor !== null);
      assert.deepEqual(seen, ["r6", "r5", "r4", "r3", "r2", "r1"], `pages of ${limit}`);
    }
  });

  promise("a cursor that no page gave is refused, not taken for the first page", async (db) => {
    for (const cursor of ["", "x", "bm9uc2Vuc2U", Buffer.from("1 ").toString("base64url")]) {
      await assert.rejects(listRequests(db, { limit: 5, cursor }), { code: "invalid_request" }, cursor);
    }
  });

  promise("a reply is found by its id, by the key it was given to alone", async (db) => {
    const reply = { responseId: "resp_1", provider: "openai", credentialId: "cred_1", model: "gpt-5" };
    await addRequest(db, "r1", { keyId: "key_a", model: "gpt-5", provider: "openai" }, reply);
    await addRequest(db, "r2", { keyId: "key_b" }, { responseId: "resp_2" });
    await addRequest(db, "r3", { keyId: "key_a" }, { responseId: null });
    const { responseId, ...place } = reply;
    assert.deepEqual(await findResponse(db, { responseId, keyId: "key_a" }), place);
    assert.equal(await findResponse(db, { responseId, keyId: "key_b" }), undefined);
    assert.equal(await findResponse(db, { responseId: "resp_3", keyId: "key_a" }), undefined);
  });

  promise("looking a reply up reads an index, not the table", async (db) => {
    const query = db.kysely.selectFrom("requests").select("model").where("response_id", "=", "x").compile();
    const { rows } =
      db.engine === "sqlite"
        ? await db.kysely.executeQuery({ ...query, sql: `explain query plan ${query.sql}` })
        : await db.kysely.connection().execute(async (connection) => {
            await sql`set enable_seqscan = off`.execute(connection);
            return connection.executeQuery({ ...query, sql: `explain ${query.sql}` });
          });
    assert.match(JSON.stringify(rows), /requests_by_response/);
  });
}
