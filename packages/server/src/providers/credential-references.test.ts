import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { Secret } from "../kernel/secret.ts";
import { code, openParts, sourcesOf } from "./test-parts.ts";

const groqOrigin = "https://api.groq.com:443";
const reference = "vault:secret/groq#key";

function sources() {
  return sourcesOf(
    new Map([
      [reference, "sk-canary-source-0001\n"],
      ["vault:secret/root#key", "sk-canary-other-9999"],
    ]),
  );
}

for (const database of databases) {
  const options = { skip: database.skip };

  test(
    `a key that lies elsewhere is read when it is used, and follows its source (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const given = sources();
      const { credentials } = await parts.start({ sources: given });
      const added = await credentials.addReference("groq", reference, { label: "ours" });
      assert.deepEqual([added.reference, added.lastFour, added.label, given.asked], [reference, "", "ours", []]);
      assert.equal(credentials.cached(added, groqOrigin), undefined);
      const key = await credentials.open(added, groqOrigin);
      assert.equal(key.reveal(), "sk-canary-source-0001", "as any key, without the white space around it");
      assert.equal(credentials.cached(added, groqOrigin), key, "no waiting, and the same object each time");
      given.values.set(reference, "sk-canary-source-0002");
      given.forget(reference);
      assert.equal((await credentials.open(added, groqOrigin)).reveal(), "sk-canary-source-0002");
      assert.equal((await parts.vault.status()).records, 1);
    },
  );

  test(
    `a reference goes to its provider's address alone, and is not asked for elsewhere (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const given = sources();
      const { credentials } = await parts.start({ sources: given });
      const added = await credentials.addReference("groq", reference);
      for (const origin of ["https://evil.example:443", "http://api.groq.com:80"]) {
        await assert.rejects(credentials.open(added, origin), code("vault_origin_refused"));
        assert.equal(credentials.cached(added, origin), undefined);
      }
      assert.deepEqual(given.asked, []);
      assert.equal(credentials.state(added), "wrong_origin", "it is shown, and used last");
      await credentials.open(added, groqOrigin);
      assert.equal(credentials.state(added), "usable");
    },
  );

  test(
    `whoever edits a row can neither point a reference elsewhere nor have it sent as a key (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { id } = await (await parts.start()).credentials.addReference("groq", reference);
      const rows = parts.db.kysely.updateTable("credentials").where("id", "=", id);

      await rows.set({ reference: "vault:secret/root#key" }).execute();
      const asked = sources();
      const moved = (await parts.start({ sources: asked })).credentials;
      assert.equal((await moved.open(moved.get(id), groqOrigin)).reveal(), "sk-canary-source-0001");
      assert.deepEqual(asked.asked, [reference], "what was sealed counts, not what the row says");

      parts.vault.forget({ type: "credential", id, field: "reference" });
      await rows.set({ reference: null }).execute();
      const plain = (await parts.start({ sources: sources() })).credentials;
      await assert.rejects(plain.open(plain.get(id), groqOrigin), code("not_found"));
      assert.equal(plain.state(plain.get(id)), "unreadable");

      const other = await plain.add("groq", new Secret("env:AWS_SECRET_ACCESS_KEY"));
      await parts.db.kysely
        .updateTable("credentials")
        .set({ reference: "env:AWS_SECRET_ACCESS_KEY" })
        .where("id", "=", other.id)
        .execute();
      const turned = (await parts.start({ sources: sources() })).credentials;
      await assert.rejects(turned.open(turned.get(other.id), groqOrigin), code("not_found"));
    },
  );

  test(`whoever edits rows cannot pass one sealed field off as another (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const given = sources();
    const { credentials } = await parts.start({ sources: given });
    const kept = await credentials.addReference("groq", reference);
    const { id } = await credentials.add("groq", new Secret("sk-canary-old-key-0001"));
    await credentials.rotate(id, new Secret("sk-canary-new-key-0002"), { overlapMs: 3_600_000 });
    const table = parts.db.kysely;
    const bytes = async (of: string, field: string) =>
      table
        .selectFrom("sealed_records")
        .selectAll()
        .where("id", "=", of)
        .where("field", "=", field)
        .executeTakeFirstOrThrow();
    const { sealed, version, kek_term, origins } = await bytes(id, "previous");
    const asValue = { sealed, version, kek_term, origins };
    await table.updateTable("sealed_records").set(asValue).where("id", "=", id).where("field", "=", "value").execute();
    parts.vault.forget({ type: "credential", id, field: "value" });
    await assert.rejects(credentials.open(credentials.get(id), groqOrigin), code("vault_record_unreadable"));
    const moved = { ...(await bytes(kept.id, "reference")), field: "value" };
    await table.insertInto("sealed_records").values(moved).execute();
    await table.updateTable("credentials").set({ reference: null }).where("id", "=", kept.id).execute();
    const again = (await parts.start({ sources: given })).credentials;
    await assert.rejects(again.open(again.get(kept.id), groqOrigin), code("vault_record_unreadable"));
    assert.equal(again.state(again.get(kept.id)), "unreadable");
  });

  test(
    `a source that does not answer is shown, and another key is used meanwhile (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const given = sources();
      const { credentials } = await parts.start({ sources: given });
      const kept = await credentials.addReference("groq", reference);
      const spare = await credentials.add("groq", new Secret("sk-canary-spare-0001"), { priority: 9 });
      assert.equal(credentials.choose("groq")?.id, kept.id);
      given.values.clear();
      await assert.rejects(credentials.open(kept, groqOrigin));
      assert.equal(credentials.state(kept), "source_failed");
      assert.equal(credentials.choose("groq")?.id, spare.id);
      await credentials.disable(spare.id);
      assert.equal(credentials.choose("groq")?.id, kept.id, "better one that may not work than none");
      await credentials.enable(spare.id);
      given.values.set(reference, "sk-canary-source-0001");
      await credentials.open(kept, groqOrigin);
      assert.equal(credentials.choose("groq")?.id, kept.id);
    },
  );

  test(
    `what is no reference is refused, and so is a file; nothing is left behind (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { credentials } = await parts.start({ sources: sources() });
      const wrong = [
        "sk-live-abcdefgh",
        "file:/etc/passwd",
        "vault:",
        "vault:secret/x",
        "ftp:x",
        `env:${"A".repeat(600)}`,
      ];
      for (const text of wrong)
        await assert.rejects(credentials.addReference("groq", text), code("reference_invalid"), text);
      await assert.rejects(credentials.addReference("nowhere", reference), code("not_found"));
      await assert.rejects(credentials.readReference("groq", "file:/etc/passwd"), code("reference_invalid"));
      const { id } = await credentials.addReference("groq", reference);
      await assert.rejects(credentials.rotate(id, new Secret("sk-canary-new-key-0002")), code("invalid_request"));
      await credentials.remove(id);
      assert.deepEqual([(await parts.vault.status()).records, credentials.list("groq")], [0, []]);
    },
  );

  test(
    `a key that the configuration names in a source is read when it is used, for the provider's address alone (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const given = sources();
      const declared = { file: "portcullis.yaml", providers: [{ id: "groq", keyName: reference }] };
      const environment = new Map([["GROQ_API_KEY", new Secret("sk-canary-variable-0001")]]);
      const { credentials } = await parts.start({ sources: given, declared, environment });
      const chosen = credentials.choose("groq");
      assert.ok(chosen);
      assert.deepEqual([chosen.id, chosen.source, chosen.reference], ["source:groq", "environment", reference]);
      assert.equal(credentials.cached(chosen, groqOrigin), undefined);
      assert.equal((await credentials.open(chosen, groqOrigin)).reveal(), "sk-canary-source-0001");
      assert.equal(credentials.cached(chosen, groqOrigin)?.reveal(), "sk-canary-source-0001");
      await assert.rejects(credentials.open(chosen, "https://evil.example:443"), code("vault_origin_refused"));
      await credentials.open(chosen, groqOrigin);
      given.values.clear();
      await assert.rejects(credentials.open(chosen, groqOrigin), code("source_failed"));
      assert.equal(credentials.state(chosen), "source_failed");
      assert.equal((await parts.vault.status()).records, 0, "it is never stored");
      const stored = await credentials.add("groq", new Secret("sk-canary-stored-0001"));
      assert.equal(credentials.choose("groq")?.id, stored.id);
    },
  );
}
