import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { types } from "pg";
import { postgresObstacle, startPostgres } from "../../../test/support/postgres.ts";
import { AppError } from "../../kernel/errors.ts";
import { migrate, openDatabase } from "../index.ts";

const options = { skip: postgresObstacle() };

function unavailable(error: unknown): boolean {
  return error instanceof AppError && error.code === "database_unavailable";
}

test(
  "a server that crashes fails the queries under way, and the first query after its return works",
  options,
  async (t) => {
    const server = await startPostgres();
    t.after(() => server.stop());
    const db = await openDatabase({ url: server.url, home: "/nonexistent" });
    t.after(() => db.close());
    await migrate(db);
    const { kysely } = db;
    const count = (): Promise<number> =>
      kysely
        .selectFrom("instance")
        .selectAll()
        .execute()
        .then((rows) => rows.length);

    // One connection in a query, one idle within a transaction, others idle in the pool.
    await Promise.all([count(), count(), count(), count()]);
    const inTransaction = Promise.withResolvers<void>();
    const crashed = Promise.withResolvers<void>();
    const sleeping = assert.rejects(sql`select pg_sleep(60)`.execute(kysely), unavailable);
    const transaction = kysely.transaction().execute(async (trx) => {
      await trx.insertInto("instance").values({ name: "half", value: "" }).execute();
      inTransaction.resolve();
      await crashed.promise;
      await trx.insertInto("instance").values({ name: "whole", value: "" }).execute();
    });
    const undone = assert.rejects(transaction, unavailable);
    await inTransaction.promise;
    await server.crash();
    crashed.resolve();
    await Promise.all([sleeping, undone]);

    await assert.rejects(count(), unavailable);
    await assert.rejects(openDatabase({ url: server.url, home: "/nonexistent" }), unavailable);
    await server.restart();
    assert.equal(await count(), 2);
  },
);

test("a statement that takes too long is cut off, and its connection stays usable", options, async (t) => {
  const server = await startPostgres();
  t.after(() => server.stop());
  const db = await openDatabase({ url: server.url, home: "/nonexistent" });
  t.after(() => db.close());
  await assert.rejects(
    db.kysely.transaction().execute(async (trx) => {
      await sql`set local statement_timeout = 10`.execute(trx);
      await sql`select pg_sleep(60)`.execute(trx);
    }),
    unavailable,
  );
  const { rows } = await sql`select current_setting('statement_timeout') as timeout`.execute(db.kysely);
  assert.deepEqual(rows, [{ timeout: "30s" }]);
});

test("opening a database leaves the parsers of other users of pg alone", () => {
  assert.equal(types.getTypeParser(types.builtins.INT8)("9007199254740993"), "9007199254740993");
});
