import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { Secret } from "../kernel/secret.ts";
import { code, openParts } from "./test-parts.ts";

const secret = (text: string) => new Secret(`sk-canary-${text}`);
const groqOrigin = "https://api.groq.com:443";

for (const database of databases) {
  const options = { skip: database.skip };

  test(
    `a key is sealed, known by its last four characters, and opens for its provider alone (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { credentials } = await parts.start();
      const added = await credentials.add("groq", new Secret("sk-canary-abcd1234\n"), {
        label: "work",
        weight: 3,
        priority: 2,
      });
      assert.match(added.id, /^cred_/);
      assert.deepEqual(
        [added.label, added.weight, added.priority, added.status, added.lastFour, added.source, added.origins],
        ["work", 3, 2, "active", "1234", "stored", [groqOrigin]],
      );
      assert.equal((await credentials.open(added, groqOrigin)).reveal(), "sk-canary-abcd1234");
      assert.equal(credentials.cached(added, groqOrigin)?.reveal(), "sk-canary-abcd1234");
      for (const origin of [
        "https://evil.example:443",
        "http://api.groq.com:80",
        "https://api.groq.com",
        "https://api.groq.com:8443",
      ]) {
        assert.equal(credentials.cached(added, origin), undefined);
        await assert.rejects(credentials.open(added, origin), code("vault_origin_refused"), origin);
      }
      const restarted = (await parts.start()).credentials;
      assert.deepEqual(restarted.list("groq"), [added]);
      assert.equal((await restarted.open(added, groqOrigin)).reveal(), "sk-canary-abcd1234");
    },
  );

  test(`no key is ever written down or printed (${database.name})`, options, async () => {
    const { db, start } = await openParts(database);
    const environment = new Map([["OPENAI_API_KEY", secret("environment-5678")]]);
    const { credentials } = await start({ environment });
    const added = await credentials.add("groq", secret("abcd1234"));
    await credentials.recordTest(added.id, { ok: false, error: "Groq refused the key" });
    const rows = await db.kysely.selectFrom("credentials").selectAll().execute();
    const sealed = await db.kysely.selectFrom("sealed_records").selectAll().execute();
    const bytes = sealed.map((row) => Buffer.from(row.sealed).toString("latin1")).join();
    assert.equal(sealed.length, 1);
    for (const text of [
      inspect(credentials.list()),
      JSON.stringify(rows),
      JSON.stringify(sealed),
      bytes,
      inspect(added),
    ]) {
      assert.doesNotMatch(text, /canary/);
    }
  });

  test(`requests take turns by weight among the lowest priority (${database.name})`, options, async () => {
    const { credentials } = await (await openParts(database)).start();
    await credentials.add("groq", secret("spare-0001"), { label: "spare", priority: 1 });
    await credentials.add("groq", secret("major-0001"), { label: "major", weight: 2 });
    const minor = await credentials.add("groq", secret("minor-0001"), { label: "minor" });
    const chosen = () => Array.from({ length: 6 }, () => credentials.choose("groq")?.label ?? "none").toSorted();
    assert.deepEqual(chosen(), ["major", "major", "major", "major", "minor", "minor"]);
    await credentials.disable(minor.id);
    assert.deepEqual(new Set(chosen()), new Set(["major"]));
    assert.equal(credentials.choose("openai"), undefined);
    assert.equal(credentials.choose("nowhere"), undefined);
  });

  test(`a disabled, expired or removed key stops being chosen at once (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const first = await credentials.add("groq", secret("first-0001"), { expiresAt: parts.clock.now() + 1000 });
    assert.equal(credentials.choose("groq")?.id, first.id);
    assert.equal(credentials.state(first), "usable");
    parts.clock.advance(1000);
    assert.equal(credentials.choose("groq"), undefined);
    assert.equal(credentials.hasUsable("groq"), false);
    assert.equal(credentials.state(first), "expired");

    const second = await credentials.add("groq", secret("second-0001"));
    await credentials.open(second, groqOrigin);
    assert.equal(credentials.state(await credentials.disable(second.id)), "disabled");
    assert.equal(credentials.choose("groq"), undefined);
    assert.equal(credentials.cached(second, groqOrigin), undefined);
    await credentials.enable(second.id);
    assert.equal(credentials.choose("groq")?.id, second.id);

    await credentials.remove(second.id);
    assert.equal(credentials.choose("groq"), undefined);
    assert.throws(() => credentials.get(second.id), code("not_found"));
    await assert.rejects(credentials.open(second, groqOrigin), code("not_found"));
    assert.equal((await parts.vault.status()).records, 1);
  });

  test(`a rotated key keeps its place in the pool (${database.name})`, options, async () => {
    const { credentials } = await (await openParts(database)).start();
    const added = await credentials.add("groq", secret("before-0001"), { label: "work", weight: 7 });
    await credentials.recordTest(added.id, { ok: true });
    await credentials.open(added, groqOrigin);
    const rotated = await credentials.rotate(added.id, secret("after-0002"));
    assert.deepEqual(
      [rotated.id, rotated.label, rotated.weight, rotated.lastFour, rotated.testOk],
      [added.id, "work", 7, "0002", null],
    );
    assert.equal((await credentials.open(rotated, groqOrigin)).reveal(), "sk-canary-after-0002");
  });

  test(`what a test found is kept with the key (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const { id } = await credentials.add("groq", secret("abcd1234"));
    await credentials.recordTest(id, { ok: false, error: "Groq refused the key (status 401)" });
    const { testedAt, testOk, testError } = (await parts.start()).credentials.get(id);
    assert.deepEqual([testedAt, testOk, testError], [parts.clock.now(), false, "Groq refused the key (status 401)"]);
  });

  test(`a key that cannot be used is refused, and leaves nothing behind (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const refused = [
      { weight: 0 },
      { weight: 1.5 },
      { weight: 1001 },
      { priority: 0.1 },
      { priority: -1 },
      { priority: 1001 },
      { expiresAt: parts.clock.now() },
      { expiresAt: Number.NaN },
      { label: "\n" },
    ];
    for (const input of refused)
      await assert.rejects(credentials.add("groq", secret("abcd1234"), input), code("invalid_request"));
    await assert.rejects(credentials.add("groq", new Secret("sk-canary\r\nx-evil: 1")), code("invalid_request"));
    await assert.rejects(credentials.add("nowhere", secret("abcd1234")), code("not_found"));
    parts.vault.seal();
    await assert.rejects(credentials.add("groq", secret("abcd1234")), code("vault_sealed"));
    assert.equal((await parts.vault.status()).records, 0);
    assert.deepEqual(credentials.list(), []);
  });

  test(`a row that cannot be written takes its sealed key with it (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    await parts.db.kysely.schema.alterTable("credentials").renameTo("credentials_away").execute();
    await assert.rejects(credentials.add("groq", secret("abcd1234")));
    assert.equal((await parts.vault.status()).records, 0);
    await parts.db.kysely.schema.alterTable("credentials_away").renameTo("credentials").execute();
    await credentials.add("groq", secret("abcd1234"));
    assert.equal((await parts.vault.status()).records, 1);
  });

  test(`removing goes on where it broke off (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const { id } = await credentials.add("groq", secret("abcd1234"));
    await parts.vault.remove({ type: "credential", id, field: "value" });
    await credentials.remove(id);
    assert.deepEqual(credentials.list(), []);
  });

  test(
    `keys from the environment stand in where none is stored, and are never stored (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const environment = new Map([
        ["GROK_API_KEY", secret("grok-0001")],
        ["HUGGINGFACE_TOKEN", secret("hugging-0001")],
        ["GROQ_API_KEY", secret("groq-0001")],
      ]);
      const { credentials } = await parts.start({ environment });
      const grok = credentials.choose("xai");
      assert.deepEqual([grok?.id, grok?.source, grok?.lastFour], ["env:GROK_API_KEY", "environment", "0001"]);
      assert.deepEqual(
        credentials.list().map((record) => record.id),
        ["env:GROQ_API_KEY", "env:HUGGINGFACE_TOKEN", "env:GROK_API_KEY"],
      );
      assert.equal(credentials.get("env:GROK_API_KEY").providerId, "xai");
      assert.ok(grok);
      assert.equal((await credentials.open(grok, "https://api.x.ai:443")).reveal(), "sk-canary-grok-0001");
      assert.equal(credentials.cached(grok, "https://api.x.ai:443")?.reveal(), "sk-canary-grok-0001");

      const stored = await credentials.add("xai", secret("stored-0001"));
      assert.equal(credentials.choose("xai")?.id, stored.id);
      await credentials.disable(stored.id);
      assert.equal(credentials.choose("xai")?.id, "env:GROK_API_KEY");
      assert.equal((await parts.vault.status()).records, 1);
      for (const change of [credentials.disable, credentials.enable, credentials.remove]) {
        await assert.rejects(change("env:GROK_API_KEY"), code("invalid_request"));
      }
      await assert.rejects(credentials.rotate("env:GROK_API_KEY", secret("abcd1234")), code("invalid_request"));
    },
  );

  test(`a key from the environment goes to its vendor's origin alone (${database.name})`, options, async () => {
    const environment = new Map([["XAI_API_KEY", secret("xai-0001")]]);
    const { credentials } = await (await openParts(database)).start({ environment });
    const record = credentials.choose("xai");
    assert.ok(record);
    for (const origin of ["https://evil.example:443", "https://api.groq.com:443", "http://api.x.ai:80"]) {
      assert.throws(() => credentials.cached(record, origin), code("vault_origin_refused"));
      await assert.rejects(credentials.open(record, origin), code("vault_origin_refused"));
    }
    const forged = { ...record, providerId: "groq", origins: [groqOrigin] };
    await assert.rejects(credentials.open(forged, groqOrigin), code("vault_origin_refused"));
  });
}
