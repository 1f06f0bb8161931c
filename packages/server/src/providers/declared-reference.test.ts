import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { code, openParts, sourcesOf } from "./test-parts.ts";

for (const database of databases) {
  const options = { skip: database.skip };
  const reference = "vault:secret/box#api_key";
  const declared = {
    file: "portcullis.yaml",
    providers: [{ id: "box", baseUrl: "https://box.example", keyName: reference }],
  };
  const origin = "https://box.example:443";

  test(
    `a key that the file refers to is read when it is used, and only for its origin (${database.name})`,
    options,
    async () => {
      const sources = sourcesOf(new Map([[reference, "sk-test-box-0001"]]));
      const { credentials } = await (await openParts(database)).start({ declared, sources });
      const chosen = credentials.choose("box");
      assert.ok(chosen);
      assert.deepEqual([chosen.id, chosen.reference], ["source:box", reference]);
      assert.equal(credentials.hasUsable("box"), true);
      assert.deepEqual(sources.asked, [], "nothing is asked before it is used");
      assert.equal(credentials.cached(chosen, origin), undefined);
      await assert.rejects(credentials.open(chosen, "https://evil.example:443"), code("vault_origin_refused"));
      assert.deepEqual(sources.asked, [], "nor for another origin");
      const key = await credentials.open(chosen, origin);
      assert.equal(key.reveal(), "sk-test-box-0001");
      assert.equal(credentials.cached(chosen, origin), key, "and at hand after that");
    },
  );

  test(`a source that is away is told in the state, and hinders no start (${database.name})`, options, async () => {
    const sources = sourcesOf(new Map());
    const { credentials } = await (await openParts(database)).start({ declared, sources });
    const chosen = credentials.choose("box");
    assert.ok(chosen);
    await assert.rejects(credentials.open(chosen, origin), code("source_failed"));
    assert.equal(credentials.state(credentials.get("source:box")), "source_failed");
    sources.values.set(reference, "sk-test-box-0001");
    await credentials.open(chosen, origin);
    assert.equal(credentials.state(credentials.get("source:box")), "usable");
  });
}
