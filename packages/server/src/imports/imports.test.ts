import assert from "node:assert/strict";
import { inspect } from "node:util";
import { describe, test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { Secret } from "../kernel/secret.ts";
import type { ImportItem } from "./item.ts";
import type { ImportResult } from "./imports.ts";
import {
  clear,
  credential,
  everything,
  key,
  model,
  openImports,
  provider,
  proxy,
  secret,
  stateOf,
} from "./test-parts.ts";

const outcomes = (results: readonly ImportResult[]) => results.map(({ outcome }) => outcome);
const all = (outcome: ImportResult["outcome"]) => everything.map(() => outcome);

for (const database of databases) {
  describe(`import (${database.name})`, { skip: database.skip }, () => {
    test("everything a source holds is there afterwards, and works", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      const announced: string[] = [];
      const results = await started.run(everything, { announced });
      assert.deepEqual(outcomes(results), all("imported"), inspect(results));
      assert.equal(announced.length, everything.length);
      assert.deepEqual(await stateOf(started), {
        providers: [["house", "https://llm.example.com", "The house"]],
        credentials: [
          "groq,imported,1,0,active,env:GROQ_API_KEY",
          "house,one,3,1,active,sk-house-canary",
          "openai,imported,1,0,active,sk-openai-canary",
        ],
        models: { input: 500_000, output: 1_500_000 },
        secret: "hush-canary",
        keys: [
          ["ada", false],
          ["bob", true],
        ],
      });
      const [ada, bob] = results.slice(-2).map((result) => result.key?.reveal() ?? "");
      assert.equal(started.keys.authenticate(ada ?? "", "127.0.0.1").user, "ada");
      assert.throws(() => started.keys.authenticate(bob ?? "", "127.0.0.1"), { code: "key_disabled" });
    });

    test("a second run finds all of it and changes nothing, also after a restart", async () => {
      const parts = await openImports(database);
      const first = await parts.start();
      await first.run(everything);
      const before = await stateOf(first);
      for (const started of [first, await parts.start()]) {
        const announced: string[] = [];
        assert.deepEqual(outcomes(await started.run(everything, { announced })), all("present"));
        assert.deepEqual(announced, []);
        assert.deepEqual(await stateOf(started), before);
      }
    });

    test("a dry run says what a real one does, and does nothing", async () => {
      const parts = await openImports(database);
      const started = await parts.start(() => assert.fail("nothing may be written"));
      const twice = [...everything, ...everything];
      const results = await started.run(twice, { dryRun: true });
      assert.deepEqual(outcomes(results), [...all("imported"), ...all("present")]);
      assert.ok(results.every((result) => result.key === undefined));
      const real = await (await parts.start()).run(twice);
      assert.deepEqual(outcomes(real), outcomes(results));
    });

    test("two runs at once bring everything once", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      const [one, other] = await Promise.all([started.run(everything), started.run(everything)]);
      assert.deepEqual([outcomes(one), outcomes(other)], [all("imported"), all("present")]);
    });

    test("what was imported once is known after the key of fingerprints was rotated", async () => {
      const parts = await openImports(database);
      await (await parts.start()).run(everything);
      await parts.vault.rotateNamedKey("audit");
      assert.deepEqual(outcomes(await (await parts.start()).run(everything)), all("present"));
    });

    test("what an admin deleted stays deleted unless it is asked for again", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      await started.run(everything);
      await clear(started);
      assert.deepEqual(new Set(outcomes(await started.run(everything))), new Set(["skipped", "failed"]));
      assert.deepEqual(outcomes(await started.run(everything, { again: true })), all("imported"));
    });

    test("what an admin changed stays changed", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      const items = [credential({ provider: "openai" }, "sk-old-canary"), secret("session", "old")];
      const [added] = await started.run(items);
      await started.providers.credentials.rotate(added?.target ?? "", new Secret("sk-new-canary"));
      await started.vault.put({ type: "secret", id: "session", field: "value" }, new Secret("new"), []);
      assert.deepEqual(outcomes(await started.run(items)), ["present", "present"]);
      assert.equal((await started.vault.get({ type: "secret", id: "session", field: "value" })).reveal(), "new");
      assert.equal(started.providers.credentials.list("openai").length, 1);
    });

    test("a key that is here already is not added again, whatever it is called", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      await started.providers.credentials.add("openai", new Secret("sk-same-canary"), { label: "by hand" });
      const [result] = await started.run([credential({ provider: "openai" }, "sk-same-canary", { label: "other" })]);
      assert.equal(result?.outcome, "present");
      const [xai] = await started.run([credential({ provider: "xai" }, "xai-from-the-start")]);
      assert.equal(xai?.outcome, "imported", "one that is only in the environment comes into the vault");
    });

    test("a bad item fails alone, and says why without its value", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      const past = parts.clock.now() - 1;
      const items: readonly (readonly [ImportItem, ImportResult["outcome"], RegExp])[] = [
        [credential({ provider: "openai" }, "sk canary"), "failed", /holds a space/],
        [credential({ provider: "nobody" }, "sk-canary"), "failed", /no provider `nobody`/],
        [credential({ variable: "NO_SUCH_KEY" }, "sk-canary"), "failed", /NO_SUCH_KEY/],
        [credential({ provider: "openai" }, "sk-canary", { expiresAt: past }), "skipped", /expired/],
        [{ ...credential({ provider: "openai" }, ""), key: { reference: "file:/etc/passwd" } }, "failed", /file/],
        [provider("plain", "http://example.com"), "failed", /https/],
        [provider("odd", "https://user:canary@example.com"), "failed", /user name/],
        [model({ provider: "openai" }, "bad\nname"), "failed", /printable ASCII/],
        [key({ user: "eve", expiresAt: past }), "skipped", /expired on/],
        [key({ user: "eve", allowIp: ["the office"] }), "failed", /the office/],
        [secret("fine", "value"), "imported", /^$/],
      ];
      const results = await started.run(items.map(([item]) => item));
      for (const [index, [, outcome, reason]] of items.entries()) {
        assert.equal(results[index]?.outcome, outcome, inspect(results[index]));
        assert.match(results[index]?.reason ?? "", reason);
      }
      assert.doesNotMatch(JSON.stringify(results), /canary/);
    });

    test("a key goes to no other address than its source used it with", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      const elsewhere = "https://proxy.example.com/v1";
      const results = await started.run([
        credential({ variable: "OPENAI_API_KEY", baseUrl: elsewhere }, "sk-for-the-proxy"),
        credential({ provider: "openai", baseUrl: elsewhere }, "sk-for-the-proxy"),
        provider("openai", elsewhere, { dialect: "openai-chat" }),
        credential({ provider: "openai", baseUrl: elsewhere }, "sk-for-the-proxy"),
        credential({ provider: "openai", baseUrl: "https://api.openai.com/v1/" }, "sk-for-openai"),
        credential({ variable: "OPENAI_API_KEY", baseUrl: "https://api.openai.com/v1" }, "sk-for-openai-too"),
      ]);
      assert.deepEqual(outcomes(results), ["skipped", "failed", "imported", "imported", "imported", "imported"]);
      const { credentials } = started.providers;
      const origins = credentials
        .list()
        .flatMap((record) => (record.source === "stored" ? [[record.providerId, ...record.origins]] : []));
      assert.deepEqual(origins, [
        ["openai", "https://api.openai.com:443"],
        ["openai", "https://api.openai.com:443"],
        ["openai-2", "https://proxy.example.com:443"],
      ]);
    });

    test("a variable of a provider that was moved is nobody's", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      await started.providers.update("openai", { baseUrl: "https://attacker.example" });
      const [result] = await started.run([credential({ variable: "OPENAI_API_KEY" }, "sk-canary")]);
      assert.equal(result?.outcome, "failed");
    });

    test("a key of Portcullis itself is taken for no provider's", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      const { text } = await started.keys.create({ kind: "caller" }, "tester");
      const [result] = await started.run([credential({ provider: "anthropic" }, text.reveal())]);
      assert.equal(result?.outcome, "skipped");
      assert.match(result?.reason ?? "", /key of Portcullis/);
    });

    test("a provider is known by its address, in whatever form that is written", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      const cases: readonly (readonly [string, string, string])[] = [
        ["whatever", "https://API.openai.com/v1/", "openai"],
        ["or", "https://openrouter.ai/api/v1", "openrouter"],
        ["gemini", "https://generativelanguage.googleapis.com/v1beta", "google"],
        ["local", "http://localhost:11434", "ollama"],
      ];
      for (const [id, address, expected] of cases) {
        const dialect = id === "gemini" ? "gemini" : id === "local" ? "ollama" : "openai-chat";
        const [result] = await started.run([provider(id, address, { allowPrivate: true, dialect })]);
        assert.deepEqual([result?.outcome, result?.target], ["present", expected], inspect(result));
      }
    });

    test("a provider at the same address that speaks something else is left, dry or not", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      const items = [
        provider("house", proxy, { dialect: "openai-chat" }),
        provider("house", "https://llm.example.com", { dialect: "anthropic-messages" }),
        provider("groq", "https://api.groq.com/openai/v1", { dialect: "gemini" }),
      ];
      for (const dryRun of [true, false]) {
        const results = await started.run(items, { dryRun });
        assert.deepEqual(outcomes(results), ["imported", "skipped", "skipped"], inspect(results));
      }
    });

    test("prices that an admin set stay, and those of the catalog give way", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      const at = { provider: "openai" };
      await started.providers.models.add("openai", { model: "own", price: { input: 1, output: 2 } });
      const results = await started.run([
        model(at, "own", { input: 3, output: 4 }),
        model(at, "own", { input: 1, output: 2 }),
        model(at, "gpt-4o"),
        model(at, "gpt-4o", { input: 3, output: 4 }),
      ]);
      assert.deepEqual(outcomes(results), ["skipped", "present", "present", "imported"]);
      assert.deepEqual(started.providers.models.lookup("openai", "gpt-4o")?.price, { input: 3, output: 4 });
    });

    test("a sealed vault stops the run at once", async () => {
      const parts = await openImports(database);
      const started = await parts.start();
      parts.vault.seal();
      await assert.rejects(started.run(everything), { code: "vault_sealed" });
    });

    test("the database keeps no value and nothing to guess one by", async () => {
      const parts = await openImports(database);
      await (await parts.start()).run(everything);
      const rows = await parts.db.kysely.selectFrom("imported_items").selectAll().execute();
      assert.equal(rows.length, everything.length);
      assert.doesNotMatch(JSON.stringify(rows), /canary|hush|llm\.example/);
      assert.ok(rows.every(({ fingerprint }) => /^[0-9a-f]{64}$/.test(fingerprint)));
    });
  });
}
