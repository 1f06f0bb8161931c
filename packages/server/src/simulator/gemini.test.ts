import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { sealThought } from "./reply.ts";
import { type Json, type Sending, started } from "./test/started.ts";

const headers = { "x-goog-api-key": "AIza-test" };
const user = { role: "user", parts: [{ text: "How is the weather?" }] };
const schema = { type: "OBJECT", properties: { city: { type: "STRING" } }, required: ["city"] };
const tools = [{ functionDeclarations: [{ name: "get_weather", parameters: schema }] }];
const call = { functionCall: { name: "get_weather", args: {} } };
const result = { role: "user", parts: [{ functionResponse: { name: "get_weather", response: { output: "snow" } } }] };
const model = "/v1beta/models/gemini-3-pro";

async function asker(t: TestContext) {
  const { send } = await started(t);
  return (path: string, body?: object, more: Partial<Sending> = {}) => send({ path, body, headers, ...more });
}

const declared = (properties: object, required: readonly string[] = []): object => ({
  functionDeclarations: [{ name: "f", parameters: { type: "OBJECT", properties, required } }],
});

type Case = readonly [change: object, complaint?: RegExp];

const cases: readonly Case[] = [
  [{}],
  [{ contents: [user, { role: "model", parts: [{ ...call, thoughtSignature: sealThought("t") }] }, result], tools }],
  [{ contents: [user, { role: "model", parts: [{ text: "a" }] }, user] }],
  [{ system_instruction: { parts: [{ text: "be brief" }] }, generation_config: { max_output_tokens: 5 } }],
  [{ content: [user] }, /^Invalid JSON payload received\. Unknown name "content": Cannot find field\.$/],
  [{ contents: [{ role: "user", parts: [{ txt: "a" }] }] }, /Unknown name "txt" at 'contents\[0\]\.parts\[0\]'/],
  [{ generationConfig: { max_tokens: 5 } }, /Unknown name "max_tokens" at 'generation_config'/],
  [
    { tools: [{ functionDeclarations: [{ name: "a", parameters: { ...schema, additionalProperties: false } }] }] },
    /Unknown name "additionalProperties" at 'tools\[0\]\.function_declarations\[0\]\.parameters'/,
  ],
  [
    { contents: [{ role: "user", parts: [{ text: 5 }] }] },
    /Invalid value at 'contents\[0\]\.parts\[0\]\.text' \(TYPE_STRING\), 5/,
  ],
  [{ tools: [declared({ city: { type: "STRING", enum: ["Oslo"] }, when: { type: "STRING", format: "date-time" } })] }],
  [{ tools: [declared({ any: { anyOf: [{ type: "STRING" }, { type: "array", items: { type: "OBJECT" } }] } })] }],
  [{ tools: [declared({})] }, /parameters\.properties: should be non-empty for OBJECT type/],
  [{ tools: [declared({ a: {} })] }, /parameters\.properties\[a\]\.type: must be specified/],
  [{ tools: [declared({ a: { type: "ARRAY" } })] }, /properties\[a\]\.items: missing field/],
  [{ tools: [declared({ a: { type: "INTEGER", enum: ["1"] } })] }, /enum: only allowed for STRING type/],
  [{ tools: [declared({ a: { type: "STRING", enum: ["x", ""] } })] }, /enum\[1\]: cannot be empty/],
  [
    { tools: [declared({ a: { type: "STRING", format: "uri" } })] },
    /only 'enum' and 'date-time' are supported for STRING/,
  ],
  [{ tools: [declared({ a: { type: "STRING" } }, ["b"])] }, /parameters\.required\[0\]: property is not defined/],
  [
    { generationConfig: { responseSchema: { type: "ARRAY" } } },
    /generation_config\.response_schema\.items: missing field/,
  ],
  [{ contents: user }, /Invalid value at 'contents'/],
  [{ contents: [] }, /contents is not specified/],
  [{ contents: [{ role: "user", parts: [] }] }, /parts must not be empty/],
  [{ contents: [{ role: "user", parts: [{ thought: true }] }] }, /must have one initialized field/],
  [{ contents: [{ role: "assistant", parts: [{ text: "a" }] }] }, /use a valid role: user, model/],
  [{ contents: [user, { role: "model", parts: [call, call] }, result] }, /number of function response parts/],
  [{ contents: [user, result] }, /number of function response parts/],
  [{ contents: [user, { role: "model", parts: [call] }, result] }, /missing a thought_signature/],
  [
    { contents: [user, { role: "model", parts: [{ ...call, thoughtSignature: "made up" }] }, result] },
    /signature is not valid/,
  ],
  [{ tools: [{ functionDeclarations: [{ name: "a b" }] }] }, /Invalid function name/],
  [{ generationConfig: { temperature: 3 } }, /range \[0\.0, 2\.0\]/],
  [{ generationConfig: { maxOutputTokens: 0 } }, /must be positive/],
  [{ generationConfig: { stopSequences: ["a", "b", "c", "d", "e", "f"] } }, /at most 5/],
];

test("gemini: what Google refuses is refused in its words, and the rest is answered", async (t) => {
  const ask = await asker(t);
  for (const [change, complaint] of cases) {
    const reply = await ask(`${model}:generateContent`, { contents: [user], ...change });
    const told = `${JSON.stringify(change)} → ${reply.status} ${reply.text()}`;
    assert.equal(reply.status, complaint === undefined ? 200 : 400, told);
    if (complaint === undefined) continue;
    const error = reply.json()["error"];
    assert.deepEqual([error?.["code"], error?.["status"]], [400, "INVALID_ARGUMENT"]);
    assert.match(String(error?.["message"]), complaint, told);
  }
});

test("a gemini stream is events with CRLF or an array, and says the same either way", async (t) => {
  const ask = await asker(t);
  const body = { contents: [user], tools, generationConfig: { thinkingConfig: { includeThoughts: true } } };
  const events = (await ask(`${model}:streamGenerateContent?alt=sse`, body)).text();
  assert.ok(events.endsWith("\r\n\r\n") && !/[^\r]\n/.test(events));
  const data = [...events.matchAll(/^data: (.+)\r$/gm)].map(([, json = ""]) => JSON.parse(json) as Json);
  const array = await ask(`${model}:streamGenerateContent`, body);
  assert.match(String(array.headers["content-type"]), /^application\/json/);
  const chunks = [...array.json()];
  const partsOf = (chunk: Json): unknown => chunk["candidates"]?.[0]?.["content"]?.["parts"];
  assert.deepEqual(chunks.map(partsOf), data.map(partsOf));
  const last = chunks.at(-1);
  assert.equal(last?.["candidates"]?.[0]?.["finishReason"], "STOP");
  assert.ok(Number(last["usageMetadata"]?.["thoughtsTokenCount"]) > 0);
  const counts = chunks.map((chunk) => Number(chunk["usageMetadata"]?.["totalTokenCount"]));
  assert.deepEqual(
    counts,
    counts.toSorted((one, other) => one - other),
  );
  const signed = chunks.find((chunk) => JSON.stringify(partsOf(chunk)).includes("functionCall"));
  assert.ok(JSON.stringify(signed).includes('"thoughtSignature"'));
});

test("a gemini stream fails in the shape of its framing", async (t) => {
  const ask = await asker(t);
  const script = { errorAtEvent: 2, status: 503, retryAfterSeconds: 7 };
  const array = await ask(`${model}:streamGenerateContent`, { contents: [user] }, { script });
  const error = array.json()[2]?.["error"];
  assert.equal(error?.["status"], "UNAVAILABLE");
  assert.equal(error["details"]?.[0]?.["retryDelay"], "7s");
  const events = await ask(`${model}:streamGenerateContent?alt=sse`, { contents: [user] }, { script });
  assert.match(events.text(), /\r\n\r\ndata: \{"error":\{"code":503,[^\n]+\}\r\n\r\n$/);
  const open = await ask(`${model}:streamGenerateContent`, { contents: [user] }, { script: { omit: ["end"] } });
  assert.throws(() => open.json());
});

test("gemini counts, embeds and lists, in pages", async (t) => {
  const ask = await asker(t);
  assert.ok(Number((await ask(`${model}:countTokens`, { contents: [user] })).json()["totalTokens"]) > 5);
  const request = { model: "models/gemini-3-pro", content: user, outputDimensionality: 3 };
  assert.equal((await ask(`${model}:embedContent`, request)).json()["embedding"]?.["values"]?.length, 3);
  assert.equal((await ask(`${model}:batchEmbedContents`, { requests: [request] })).json()["embeddings"]?.length, 1);
  const other = await ask(`${model}:batchEmbedContents`, { requests: [{ ...request, model: "models/other" }] });
  assert.equal(other.status, 400);
  const first = (await ask("/v1beta/models?pageSize=2", undefined, { method: "GET" })).json();
  assert.equal(first["models"]?.length, 2);
  const rest = (
    await ask(`/v1/models?pageSize=2&pageToken=${String(first["nextPageToken"])}`, undefined, { method: "GET" })
  ).json();
  assert.deepEqual([rest["models"]?.length, rest["nextPageToken"]], [1, undefined]);
  assert.equal((await ask("/v1beta/models/gemini-2.5-flash", undefined, { method: "GET" })).json()["version"], "001");
  assert.equal((await ask("/v1beta/models/nobody", undefined, { method: "GET" })).status, 404);
});

test("gemini takes a key in its header, in the query or as a bearer, and says what is wrong with others", async (t) => {
  const { send } = await started(t, { apiKeys: ["good"] });
  const statusOf = async (path: string, shown: Record<string, string>): Promise<number> =>
    (await send({ path, body: { contents: [user] }, headers: shown })).status;
  const path = `${model}:generateContent`;
  assert.equal(await statusOf(path, { "x-goog-api-key": "good" }), 200);
  assert.equal(await statusOf(`${path}?key=good`, {}), 200);
  assert.equal(await statusOf(path, { authorization: "Bearer good" }), 200);
  assert.equal(await statusOf(path, { "x-goog-api-key": "bad" }), 400);
  assert.equal(await statusOf(path, {}), 403);
});
