import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { Secret } from "../kernel/secret.ts";
import { createProviders, predefinedProviders } from "./index.ts";
import { code, openParts, sourcesOf } from "./test-parts.ts";

const secret = (text: string) => new Secret(`sk-test-${text}`);

for (const database of databases) {
  const options = { skip: database.skip };

  test(
    `a new address needs the key again, and the keys for the old one are gone (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const providers = await parts.start();
      const { credentials } = providers;
      await credentials.add("openai", secret("old-0001"));
      await credentials.add("openai", secret("old-0002"));
      for (const baseUrl of ["https://evil.example", "https://api.openai.com/other", "https://api.openai.com:8443"]) {
        await assert.rejects(providers.update("openai", { baseUrl }), code("key_reentry_needed"), baseUrl);
      }
      assert.equal(providers.require("openai").baseUrl, "https://api.openai.com");
      assert.equal(credentials.list("openai").length, 2);

      await providers.update("openai", { baseUrl: "https://proxy.example" }, secret("new-0003"));
      const left = credentials.list("openai");
      assert.deepEqual(
        left.map((record) => [record.lastFour, record.origins]),
        [["0003", ["https://proxy.example:443"]]],
      );
      assert.equal((await parts.vault.status()).records, 1);
      const chosen = credentials.choose("openai");
      assert.ok(chosen);
      assert.equal((await credentials.open(chosen, "https://proxy.example:443")).reveal(), "sk-test-new-0003");
      await assert.rejects(credentials.open(chosen, "https://api.openai.com:443"), code("vault_origin_refused"));
    },
  );

  test(`the same address in another spelling, or another name, needs no key (${database.name})`, options, async () => {
    const providers = await (await openParts(database)).start();
    await providers.credentials.add("openai", secret("old-0001"));
    await providers.update("openai", { baseUrl: "https://API.openai.com:443/v1/", name: "Ours" });
    assert.equal(providers.require("openai").name, "Ours");
    assert.equal(providers.credentials.hasUsable("openai"), true);
  });

  test(
    `a key given with a provider becomes its only one, and null takes it away (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const providers = await parts.start();
      const { credentials } = providers;
      await credentials.add("openai", secret("old-0001"));
      await credentials.add("openai", secret("old-0002"));
      await providers.update("openai", {}, secret("new-0003"));
      assert.deepEqual(
        credentials.list("openai").map((record) => record.lastFour),
        ["0003"],
      );
      assert.equal(providers.require("openai").updatedAt, undefined, "the provider itself was not changed");
      await providers.update("openai", { baseUrl: "https://proxy.example" }, null);
      assert.deepEqual(credentials.list("openai"), []);
      assert.equal((await parts.vault.status()).records, 0);
    },
  );

  test(`an address that was not changed follows the product's own (${database.name})`, options, async () => {
    const parts = await openParts(database);
    await (await parts.start()).update("openai", { name: "Ours" });
    const predefined = predefinedProviders.map((definition) =>
      definition.id === "openai" ? { ...definition, baseUrl: "https://new.example" } : definition,
    );
    const none = { file: "portcullis.yaml", providers: [] };
    const environment = new Map<string, Secret>();
    const upgraded = await createProviders({
      ...parts,
      predefined,
      declared: none,
      environment,
      sources: sourcesOf(new Map()),
    });
    const { name, baseUrl } = upgraded.require("openai");
    assert.deepEqual([name, baseUrl], ["Ours", "https://new.example"]);
  });

  test(`a provider of the file has the file's key, models and headers (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const box = {
      id: "box",
      baseUrl: "https://box.example",
      keyName: "file:/run/secrets/box",
      headers: { "x-team": "ours" },
      models: [{ model: "m", price: { input: 1, output: 2 } }],
    };
    const environment = new Map([
      ["file:/run/secrets/box", secret("box-0001")],
      ["GROQ_API_KEY", secret("groq-0002")],
      ["OTHER", secret("other-0003")],
    ]);
    const declared = { file: "portcullis.yaml", providers: [box, { id: "groq", keyName: "OTHER" }] };
    const providers = await parts.start({ declared, environment });
    const { credentials, models } = providers;
    assert.deepEqual(providers.require("box").headers, { "x-team": "ours" });
    const chosen = credentials.choose("box");
    assert.ok(chosen);
    assert.equal(chosen.id, "file:box", "the id goes to callers, so it tells no path");
    assert.equal(credentials.get("file:box").providerId, "box");
    assert.equal((await credentials.open(chosen, "https://box.example:443")).reveal(), "sk-test-box-0001");
    assert.equal(credentials.choose("groq")?.id, "env:OTHER");
    await providers.update("groq", {}, secret("given-0004"));
    assert.equal(credentials.choose("groq")?.lastFour, "0004", "what is declared may have keys in the vault");

    const [model] = models.list("box");
    assert.deepEqual([model?.id, model?.source, model?.price], ["box/m", "declared", { input: 1, output: 2 }]);
    assert.deepEqual(models.providersOf("m"), ["box"]);
    await assert.rejects(models.remove("box/m"), code("provider_declared"));
    await assert.rejects(models.add("box", { model: "m" }), code("model_exists"));
    await models.replaceRefreshed("box", ["m", "n"]);
    assert.deepEqual(
      models.list("box").map((each) => each.source),
      ["declared", "refreshed"],
    );
    const nonsense = {
      ...declared,
      providers: [{ ...box, models: [{ model: "m", price: { input: 0.5, output: 1 } }] }],
    };
    await assert.rejects(parts.start({ declared: nonsense }), code("invalid_request"));
  });

  test(`a new address with a key that cannot be added changes nothing (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const providers = await parts.start();
    const old = await providers.credentials.add("openai", secret("old-0001"));
    const change = { baseUrl: "https://proxy.example" };
    await assert.rejects(providers.update("openai", change, new Secret("two words")), code("invalid_request"));
    await assert.rejects(
      providers.update("openai", { baseUrl: "http://proxy.example" }, secret("new-0001")),
      code("invalid_request"),
    );
    parts.vault.seal();
    await assert.rejects(providers.update("openai", change, secret("new-0001")), code("vault_sealed"));
    assert.equal(providers.require("openai").baseUrl, "https://api.openai.com");
    assert.deepEqual(providers.credentials.list("openai"), [old]);
  });

  test(
    `a key from the environment does not follow an address that was changed at run time (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const environment = new Map([["OPENAI_API_KEY", secret("environment-0001")]]);
      const providers = await parts.start({ environment });
      const before = providers.credentials.choose("openai");
      assert.ok(before);
      await assert.rejects(providers.update("openai", { baseUrl: "https://evil.example" }), code("key_reentry_needed"));
      await providers.update("openai", { baseUrl: "https://evil.example" }, secret("given-0001"));
      assert.deepEqual(
        providers.credentials.list("openai").map((record) => record.lastFour),
        ["0001"],
      );
      await providers.credentials.removeAll("openai");
      assert.equal(providers.credentials.choose("openai"), undefined);
      await assert.rejects(
        providers.credentials.open(before, "https://evil.example:443"),
        code("vault_origin_refused"),
      );
      await assert.rejects(
        providers.credentials.open(before, "https://api.openai.com:443"),
        code("vault_origin_refused"),
      );
      assert.equal((await parts.start({ environment })).credentials.hasUsable("openai"), false);
      await providers.update("openai", { baseUrl: "https://api.openai.com" });
      assert.equal(providers.credentials.choose("openai")?.id, "env:OPENAI_API_KEY");
    },
  );

  test(
    `a key that was sealed to another address than the file's is not used until it is given again (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { id } = await (await parts.start()).credentials.add("openai", secret("old-0001"));
      const moved = { id: "openai", baseUrl: "https://proxy.example" };
      const environment = new Map([["OPENAI_API_KEY", secret("environment-0002")]]);
      const providers = await parts.start({ declared: { file: "portcullis.yaml", providers: [moved] }, environment });
      const { credentials } = providers;
      assert.equal(credentials.state(credentials.get(id)), "wrong_origin");
      // The file and the environment are both the operator's, so the one may send the other's key where it says.
      assert.equal(credentials.choose("openai")?.id, "env:OPENAI_API_KEY");
      await credentials.rotate(id, secret("new-0003"));
      assert.equal(credentials.choose("openai")?.id, id);
    },
  );

  test(`a removed provider takes its models and keys with it (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const providers = await parts.start();
    await providers.create({ id: "box", baseUrl: "https://box.example" });
    await providers.credentials.add("box", secret("box-0001"));
    await providers.models.add("box", { model: "m" });
    await providers.remove("box");
    assert.equal((await parts.vault.status()).records, 0);
    await providers.create({ id: "box", baseUrl: "https://evil.example" });
    assert.deepEqual(providers.credentials.list("box"), []);
    assert.deepEqual(providers.models.list("box"), []);
  });

  test(`what another instance changed is in force after a refresh (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const [one, other] = [await parts.start(), await parts.start()];
    await one.create({ id: "box", baseUrl: "https://box.example" });
    const added = await one.credentials.add("box", secret("box-0001"));
    await one.models.add("box", { model: "m" });
    assert.equal(other.get("box"), undefined);
    await other.refresh();
    assert.equal(other.credentials.choose("box")?.id, added.id);
    assert.deepEqual(other.models.providersOf("m"), ["box"]);
  });
}
