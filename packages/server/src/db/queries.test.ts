import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { sql } from "kysely";
import { databases } from "../../test/support/databases.ts";
import { isUniqueViolation, openDatabase, type Db } from "./index.ts";

const user = { id: "user_1", name: "ada", role: "owner", created_at: 1 };

async function userNames({ kysely }: Pick<Db, "kysely">): Promise<readonly string[]> {
  const rows = await kysely.selectFrom("users").select("name").orderBy("id").execute();
  return rows.map(({ name }) => name);
}

for (const database of databases) {
  const options = { skip: database.skip };

  test(
    `a query from elsewhere neither joins nor sees a transaction under way (${database.name})`,
    options,
    async () => {
      const db = await database.open();
      const inside = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      const transaction = db.kysely.transaction().execute(async (trx) => {
        await trx.insertInto("users").values(user).execute();
        inside.resolve();
        await goOn.promise;
        throw new Error("changed my mind");
      });
      await inside.promise;
      const outside = db.kysely
        .insertInto("users")
        .values({ ...user, id: "user_2", name: "bob" })
        .execute();
      const seen = userNames(db);
      for (let turn = 0; turn < 20; turn++) await nextTurn(); // time enough for both, if nothing holds them back
      goOn.resolve();
      await assert.rejects(transaction, /changed my mind/);
      await outside;
      assert(!(await seen).includes("ada"));
      assert.deepEqual(await userNames(db), ["bob"]);
    },
  );

  test(`a counter raised by many transactions at once misses none (${database.name})`, options, async (t) => {
    const url = await database.create("migrated");
    const dbs = await Promise.all([1, 2].map(() => openDatabase({ url, home: "/nonexistent" })));
    t.after(() => Promise.all(dbs.map((db) => db.close())));
    const [first] = dbs;
    assert(first !== undefined);
    await first.kysely.insertInto("instance").values({ name: "counter", value: "0" }).execute();
    const raise = (db: Db): Promise<void> =>
      db.kysely.transaction().execute(async (trx) => {
        const counter = trx.selectFrom("instance").select("value").where("name", "=", "counter");
        const locked = db.engine === "postgres" ? counter.forUpdate() : counter;
        const { value } = await locked.executeTakeFirstOrThrow();
        const next = { value: String(Number(value) + 1) };
        await trx.updateTable("instance").set(next).where("name", "=", "counter").execute();
      });
    await Promise.all(dbs.flatMap((db) => Array.from({ length: 25 }, () => raise(db))));
    const row = await first.kysely
      .selectFrom("instance")
      .select("value")
      .where("name", "=", "counter")
      .executeTakeFirst();
    assert.equal(row?.value, "50");
  });

  test(
    `a second row with the same key is a unique violation, other failures are not (${database.name})`,
    options,
    async () => {
      const { kysely } = await database.open();
      const model = {
        id: "model_1",
        provider_id: "local",
        model: "llama3",
        display_name: "Llama 3",
        source: "custom" as const,
        price: null,
        context_tokens: null,
        max_output_tokens: null,
        created_at: 1,
      };
      await kysely.insertInto("users").values(user).execute();
      await kysely.insertInto("provider_models").values(model).execute();
      await kysely
        .insertInto("vault_terms")
        .values({ term: 1, wrapped: new Uint8Array(1), created_at: 1 })
        .execute();

      await assert.rejects(
        kysely
          .insertInto("users")
          .values({ ...user, name: "bob" })
          .execute(),
        isUniqueViolation,
      );
      const sameModel = kysely.insertInto("provider_models").values({ ...model, id: "model_2" });
      await assert.rejects(sameModel.execute(), isUniqueViolation);
      const sameTerm = kysely.insertInto("vault_terms").values({ term: 1, wrapped: new Uint8Array(2), created_at: 1 });
      await assert.rejects(sameTerm.execute(), isUniqueViolation);

      const notUnique = (error: unknown): boolean => !isUniqueViolation(error);
      const nameless = sql`insert into users (id, role, created_at) values ('user_2', 'owner', 1)`;
      await assert.rejects(nameless.execute(kysely), notUnique);
      await assert.rejects(sql`select * from no_such_table`.execute(kysely), notUnique);
      assert.deepEqual(await userNames({ kysely }), ["ada"]);
    },
  );

  test(`a value of the wrong type is refused (${database.name})`, options, async () => {
    const { kysely } = await database.open();
    for (const value of [1.5, "soon"]) {
      const insert = sql`insert into users (id, name, role, created_at) values ('user_1', 'ada', 'owner', ${value})`;
      await assert.rejects(insert.execute(kysely), String(value));
    }
    assert.deepEqual(await userNames({ kysely }), []);
  });

  test(`any bytes, text and exact integer come back as they went in (${database.name})`, options, async () => {
    const { kysely } = await database.open();
    const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0")); // PostgreSQL has no NUL in text
    const rows = fc.tuple(fc.uint8Array(), text, fc.maxSafeInteger());
    const property = fc.asyncProperty(rows, async ([wrapped, label, createdAt]) => {
      const slot = { id: "slot", kind: "test", label, params: "{}", wrapped, created_at: createdAt };
      await kysely.deleteFrom("vault_slots").execute();
      await kysely.insertInto("vault_slots").values(slot).execute();
      assert.deepEqual(await kysely.selectFrom("vault_slots").selectAll().execute(), [slot]);
    });
    await fc.assert(property, { numRuns: 50 });
  });

  test(
    `an integer that a number cannot hold exactly is an error, not a rounded value (${database.name})`,
    options,
    async () => {
      const { kysely } = await database.open();
      await sql`insert into users (id, name, role, created_at) values ('user_1', 'ada', 'owner', 9007199254740993)`.execute(
        kysely,
      );
      await assert.rejects(kysely.selectFrom("users").selectAll().execute(), RangeError);
      assert.deepEqual(await userNames({ kysely }), ["ada"]);
    },
  );

  test(`counts, sums and averages are numbers (${database.name})`, options, async () => {
    const { kysely } = await database.open();
    const createdAt = [1, 2 ** 50];
    const rows = createdAt.map((created_at, index) => ({ ...user, id: `user_${index}`, created_at }));
    await kysely.insertInto("users").values(rows).execute();
    const totals = await kysely
      .selectFrom("users")
      .select(({ fn }) => [
        fn.countAll().as("count"),
        fn.sum("created_at").as("sum"),
        fn.avg("created_at").as("average"),
      ])
      .execute();
    assert.deepEqual(totals, [{ count: 2, sum: 2 ** 50 + 1, average: (2 ** 50 + 1) / 2 }]);
  });

  test(`text sorts by code point (${database.name})`, options, async () => {
    const { kysely } = await database.open();
    const names = ["B", "_", "a", "a-b", "a_b", "ab", "é"];
    const rows = names.toReversed().map((name) => ({ ...user, id: name, name }));
    await kysely.insertInto("users").values(rows).execute();
    assert.deepEqual(await userNames({ kysely }), names);
  });

  test(`an update says how many rows it changed (${database.name})`, options, async () => {
    const { kysely } = await database.open();
    await kysely
      .insertInto("users")
      .values([user, { ...user, id: "user_2" }])
      .execute();
    const updated = await kysely.updateTable("users").set({ role: "member" }).executeTakeFirst();
    assert.equal(updated.numUpdatedRows, 2n);
    const removed = await kysely.deleteFrom("users").where("id", "=", "nobody").executeTakeFirst();
    assert.equal(removed.numDeletedRows, 0n);
    const returned = await kysely.deleteFrom("users").where("id", "=", "user_2").returning("name").execute();
    assert.deepEqual(returned, [{ name: "ada" }]);
  });
}
