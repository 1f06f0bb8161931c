import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { requestRules, scanObject } from "../../kernel/json-scan.ts";
import { splice } from "../../kernel/splice.ts";
import { bodyKeys } from "../body-keys.ts";
import { gemini } from "./index.ts";

/** What a provider that calls the model `m` gets of a body. */
async function renamed(action: string, body: string, model = "m"): Promise<string> {
  const route = gemini.routes.find(({ path }) => path === `/v1beta/models/{model}:${action}`);
  assert.ok(route?.findNames && route.renameModel);
  const bytes = Buffer.from(body);
  const names = await route.findNames(bytes, scanObject(bytes, route.keys ?? bodyKeys(), requestRules));
  return splice(bytes, route.renameModel(bytes, model, names)).toString();
}

describe("the model's names in a body", () => {
  test("are those of the address, wherever they stand", async () => {
    const named = '"model" : "models/other"';
    const right = '"model" : "models/m"';
    for (const [action, shape] of [
      ["embedContent", '{NAME, "content":{}}'],
      ["generateContent", "{NAME}"],
      ["batchEmbedContents", '{"requests": [{NAME, "content":{}} , {"content":{},NAME}]}'],
      ["countTokens", '{"generateContentRequest": {NAME, "contents": []}}'],
      ["countTokens", '{"generate_content_request":{NAME}}'],
    ] as const) {
      assert.equal(await renamed(action, shape.replaceAll("NAME", named)), shape.replaceAll("NAME", right), action);
    }
  });

  test("stay as they are written where they are right, or are none", async () => {
    for (const body of [
      '{"requests":[{"model":"models\\/m"},{"model":"m"},{},{"model":null},[],null,"model"]}',
      '{"requests":[]}',
      '{"requests":{"model":"x"}}',
      '{"content":{"model":"x"}}',
      "{}",
    ]) {
      assert.equal(await renamed("batchEmbedContents", body), body);
    }
  });

  test("cannot be given twice, so that the provider reads what was checked", async () => {
    for (const body of [
      '{"requests":[{"model":"m","model":"x"}]}',
      '{"requests":[{"model":"m","MODEL":"x"}]}',
      '{"requests":[],"requests":[{"model":"x"}]}',
    ]) {
      await assert.rejects(() => renamed("batchEmbedContents", body), { code: "invalid_json" });
    }
    await assert.rejects(() => renamed("countTokens", '{"generateContentRequest":{},"GenerateContentRequest":{}}'), {
      code: "invalid_json",
    });
  });

  test("may hold what JSON escapes", async () => {
    assert.equal(await renamed("embedContent", '{"model":"models/x"}', 'a"b'), '{"model":"models/a\\"b"}');
  });

  test("are looked for in a thousand requests, and in no more", async () => {
    const batch = (count: number): string => `{"requests":[${Array(count).fill('{"model":"models/x"}').join()}]}`;
    assert.equal(await renamed("batchEmbedContents", batch(1_000)), batch(1_000).replaceAll("models/x", "models/m"));
    await assert.rejects(() => renamed("batchEmbedContents", batch(1_001)), { code: "invalid_request" });
  });

  test("are found in a batch that is looked through in slices", async () => {
    const large = '"content":{"parts":[{"text":"' + "\\u0041".repeat(500_000) + '"}]}';
    const batch = `{"requests":[{"model":"models/x",${large}},"${"x".repeat(2_000_000)}",{${large},"model":"models/x"}]}`;
    assert.equal(await renamed("batchEmbedContents", batch), batch.replaceAll("models/x", "models/m"));
  });

  test("are replaced however long they are", async () => {
    const body = `{"model":"models/${"x".repeat(100_000)}"}`;
    assert.equal(await renamed("embedContent", body), '{"model":"models/m"}');
  });
});

describe("the query", () => {
  const { checkQuery } = gemini.routes[0] ?? {};

  test("may ask for JSON and for events", () => {
    for (const query of [
      "",
      "?alt=sse",
      "?alt=json",
      "?$alt=json;enum-encoding=int",
      "?%24alt=sse&prettyPrint=false",
      "?x=alt",
    ])
      checkQuery?.(query);
  });

  test("may not ask for a form in which nobody could read the usage", () => {
    for (const query of [
      "?alt=proto",
      "?alt=media",
      "?x=1&$alt=proto",
      "?%24alt=proto",
      "?ALT=proto",
      "?alt=",
      "?callback=f",
      "?$callback=f",
    ])
      assert.throws(() => checkQuery?.(query), { code: "invalid_request" }, query);
  });
});
