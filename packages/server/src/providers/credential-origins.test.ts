import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { Secret } from "../kernel/secret.ts";
import { code, openParts, sourcesOf } from "./test-parts.ts";

const openaiOrigin = "https://api.openai.com:443";
const evilOrigin = "https://evil.example:443";
const reference = "vault:secret/openai#key";
const sources = () => sourcesOf(new Map([[reference, "sk-canary-source-0001"]]));

/** What somebody who can write the database, and nothing else, may do to have a key sent elsewhere. */
for (const database of databases) {
  const options = { skip: database.skip };

  for (const kind of ["key", "reference"] as const) {
    test(`no edit of the database sends a ${kind} to another address (${database.name})`, options, async () => {
      const parts = await openParts(database);
      const before = await parts.start({ sources: sources() });
      const { id } =
        kind === "key"
          ? await before.credentials.add("openai", new Secret("sk-canary-openai-0001"))
          : await before.credentials.addReference("openai", reference);
      await before.update("openai", { name: "Ours" }); // so that there is a row to edit
      const table = parts.db.kysely;

      await table
        .updateTable("providers")
        .set({ base_url: "https://evil.example" })
        .where("id", "=", "openai")
        .execute();
      const moved = await parts.start({
        sources: sources(),
        environment: new Map([["OPENAI_API_KEY", new Secret("sk-canary-env-0001")]]),
      });
      assert.equal(moved.require("openai").origin, evilOrigin);
      assert.equal(moved.credentials.state(moved.credentials.get(id)), "wrong_origin");
      assert.equal(moved.credentials.choose("openai"), undefined, "neither the stored key nor the environment's");
      assert.equal(moved.credentials.hasUsable("openai"), false);
      assert.equal(moved.credentials.find("openai", id), undefined);

      await table
        .updateTable("credentials")
        .set({ origins: JSON.stringify([evilOrigin]) })
        .execute();
      const shown = await parts.start({ sources: sources() });
      const chosen = shown.credentials.choose("openai");
      assert.equal(chosen?.id, id, "the row alone says that it may be sent there");
      assert.ok(chosen);
      assert.equal(shown.credentials.cached(chosen, evilOrigin), undefined);
      await assert.rejects(shown.credentials.open(chosen, evilOrigin), code("vault_origin_refused"));
      assert.equal(shown.credentials.state(chosen), "wrong_origin", "and it is shown for what it is");

      await table
        .updateTable("sealed_records")
        .set({ origins: JSON.stringify([evilOrigin]) })
        .execute();
      await assert.rejects(shown.credentials.open(chosen, evilOrigin), code("vault_record_unreadable"));
      assert.equal(shown.credentials.state(chosen), "unreadable");

      await table
        .updateTable("sealed_records")
        .set({ origins: JSON.stringify([openaiOrigin]) })
        .execute();
      await table.updateTable("credentials").set({ origins: "no list" }).execute();
      const spoilt = await parts.start({ sources: sources() });
      assert.equal(spoilt.credentials.state(spoilt.credentials.get(id)), "wrong_origin", "and the others still load");
    });
  }

  test(`a credential that is moved to another provider does not open there (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const before = await parts.start();
    const { id } = await before.credentials.add("openai", new Secret("sk-canary-openai-0001"));
    await before.create({ id: "evil", baseUrl: "https://evil.example" });
    const changed = { provider_id: "evil", origins: JSON.stringify([evilOrigin]) };
    await parts.db.kysely.updateTable("credentials").set(changed).where("id", "=", id).execute();
    const { credentials } = await parts.start();
    const chosen = credentials.choose("evil");
    assert.ok(chosen);
    await assert.rejects(credentials.open(chosen, evilOrigin), code("vault_origin_refused"));
  });

  test(`no edit of the database makes an old key live longer (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const { id } = await credentials.add("openai", new Secret("sk-canary-old-key-0001"));
    const rotated = await credentials.rotate(id, new Secret("sk-canary-new-key-0002"), { overlapMs: 1_000 });
    const used = await credentials.open(rotated, openaiOrigin);
    const table = parts.db.kysely;
    const previous = await table
      .selectFrom("sealed_records")
      .selectAll()
      .where("field", "=", "previous")
      .executeTakeFirstOrThrow();
    parts.clock.advance(1_000);
    await credentials.endOverlaps();
    await table.insertInto("sealed_records").values(previous).execute(); // a copy that somebody kept
    const after = (await parts.start()).credentials;
    await after.loadOverlaps();
    assert.equal(await after.rollBack(id, used, async () => undefined), false);
    assert.deepEqual(await after.endOverlaps(), [id], "it goes again");
  });
}
