import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { requestRules, scanObject, watchKeys } from "../../kernel/json-scan.ts";
import { splice } from "../../kernel/splice.ts";
import { gemini } from "./index.ts";

const watched = watchKeys("model");

/** What a provider that calls the model `m` gets of a body. */
function renamed(action: string, body: string, model = "m"): string {
  const route = gemini.routes.find(({ path }) => path === `/v1beta/models/{model}:${action}`);
  assert.ok(route?.renameModel);
  const bytes = Buffer.from(body);
  return splice(bytes, route.renameModel(bytes, model, scanObject(bytes, watched, requestRules))).toString();
}

describe("the model's names in a body", () => {
  test("are those of the address, wherever they stand", () => {
    const named = '"model" : "models/other"';
    const right = '"model" : "models/m"';
    for (const [action, shape] of [
      ["embedContent", '{NAME, "content":{}}'],
      ["generateContent", "{NAME}"],
      ["batchEmbedContents", '{"requests": [{NAME, "content":{}} , {"content":{},NAME}]}'],
      ["countTokens", '{"generateContentRequest": {NAME, "contents": []}}'],
      ["countTokens", '{"generate_content_request":{NAME}}'],
    ] as const) {
      assert.equal(renamed(action, shape.replaceAll("NAME", named)), shape.replaceAll("NAME", right), action);
    }
  });

  test("stay as they are written where they are right, or are none", () => {
    for (const body of [
      '{"requests":[{"model":"models\\/m"},{"model":"m"},{},{"model":null},[],null,"model"]}',
      '{"requests":[]}',
      '{"requests":{"model":"x"}}',
      '{"content":{"model":"x"}}',
      "{}",
    ]) {
      assert.equal(renamed("batchEmbedContents", body), body);
    }
  });

  test("cannot be given twice, so that the provider reads what was checked", () => {
    for (const body of [
      '{"requests":[{"model":"m","model":"x"}]}',
      '{"requests":[{"model":"m","MODEL":"x"}]}',
      '{"requests":[],"requests":[{"model":"x"}]}',
    ]) {
      assert.throws(() => renamed("batchEmbedContents", body), { code: "invalid_json" });
    }
    assert.throws(() => renamed("countTokens", '{"generateContentRequest":{},"GenerateContentRequest":{}}'), {
      code: "invalid_json",
    });
  });

  test("may hold what JSON escapes", () => {
    assert.equal(renamed("embedContent", '{"model":"models/x"}', 'a"b'), '{"model":"models/a\\"b"}');
  });

  test("are looked for in ten thousand requests, and in no more", () => {
    const batch = (count: number): string => `{"requests":[${Array(count).fill('{"model":"models/x"}').join()}]}`;
    assert.equal(renamed("batchEmbedContents", batch(10_000)), batch(10_000).replaceAll("models/x", "models/m"));
    assert.throws(() => renamed("batchEmbedContents", batch(10_001)), { code: "invalid_request" });
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
