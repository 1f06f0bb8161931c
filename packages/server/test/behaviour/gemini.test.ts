import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { scriptHeaders, type Script } from "../../src/simulator/index.ts";
import { openGate, send, type Reply } from "../support/gateway.ts";
import { assertRefused } from "./ask.ts";

/* What only Gemini has: the model and the manner of the reply in the address, streams that are one array, its own lists. */

const gate = await openGate();
beforeEach(() => gate.simulator.clear());

const price = { input: 1_000_000, output: 1_000_000, cache_read: 1_000_000 };
const addModel = (name: string) =>
  gate.admin.call(endpoints.models.create, {
    params: { id: "sim-gemini" },
    input: { name, display_name: `House ${name}`, price_micros_per_mtok: price, context_tokens: 1000 },
  });
await addModel("gemini-house");
await addModel("vendor/family:large@2026");

const contents = [{ role: "user", parts: [{ text: "hello" }] }];
const post = (place: string, body: object = { contents }, script: Script = {}): Promise<Reply> =>
  gate.post(place, body, scriptHeaders(script));

const lastRequest = () => {
  const last = gate.simulator.requests.at(-1);
  assert.ok(last);
  return last;
};

const rowOf = ({ headers }: Reply) =>
  gate.admin.call(endpoints.requests.get, { params: { id: String(headers["x-request-id"]) } });

interface Content {
  readonly candidates: readonly {
    readonly content: { readonly parts: readonly { readonly text?: string }[] };
    readonly finishReason?: string;
  }[];
  readonly usageMetadata: {
    readonly promptTokenCount: number;
    readonly candidatesTokenCount: number;
    readonly thoughtsTokenCount?: number;
  };
}

const textOf = (chunks: readonly Content[]): string =>
  chunks.map(({ candidates }) => candidates[0]?.content.parts.map(({ text }) => text ?? "").join("") ?? "").join("");

describe("an answer", () => {
  for (const version of ["v1", "v1beta"]) {
    test(`is asked for under /${version}, and of the provider at its own version`, async () => {
      const reply = await post(`/${version}/models/sim-gemini/gemini-3-pro:generateContent`);
      assert.equal(reply.status, 200, reply.body.toString());
      assert.equal(lastRequest().path, "/v1beta/models/gemini-3-pro:generateContent");
      assert.equal(lastRequest().body.toString(), JSON.stringify({ contents }));
      const headers = lastRequest().headers.join("\n");
      assert.match(headers, new RegExp(`x-goog-api-key\n${gate.providerKey}`));
      assert.ok(!headers.includes(gate.key) && !/^authorization$/im.test(headers));
    });
  }

  test("is the same whole, as events and as an array, and so is what it costs", async () => {
    const thoughtful = { contents, generationConfig: { thinkingConfig: { includeThoughts: true } } };
    const place = "/v1beta/models/gemini-house";
    const whole = await post(`${place}:generateContent`, thoughtful);
    const events = await post(`${place}:streamGenerateContent?alt=sse`, thoughtful);
    const array = await post(`${place}:streamGenerateContent`, thoughtful);
    assert.match(String(events.headers["content-type"]), /^text\/event-stream/);
    assert.match(String(array.headers["content-type"]), /^application\/json/);
    const data = [...events.body.toString().matchAll(/^data: (.+)\r$/gm)].map(
      ([, json = ""]) => JSON.parse(json) as Content,
    );
    const elements = array.json() as readonly Content[];
    assert.ok(elements.length > 10);
    const answer = whole.json() as Content;
    assert.equal(textOf(data), textOf([answer]));
    assert.equal(textOf(elements), textOf([answer]));

    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount = 0 } = answer.usageMetadata;
    assert.ok(thoughtsTokenCount > 0);
    for (const reply of [whole, events, array]) {
      assert.partialDeepStrictEqual(await rowOf(reply), {
        dialect: "gemini",
        model: "gemini-house",
        stream: reply !== whole,
        outcome: "ok",
        usage_source: "reported",
        input_tokens: promptTokenCount,
        output_tokens: candidatesTokenCount + thoughtsTokenCount,
        reasoning_tokens: thoughtsTokenCount,
        cost_micros: promptTokenCount + candidatesTokenCount + thoughtsTokenCount,
      });
    }
    assert.equal(whole.headers["x-portcullis-output-tokens"], String(candidatesTokenCount + thoughtsTokenCount));
  });

  test("of a model whose name has slashes and colons comes from that model", async () => {
    for (const name of ["sim-gemini/vendor/family:large@2026", "vendor/family:large@2026"]) {
      const reply = await post(`/v1/models/${name}:generateContent`);
      assert.equal(reply.status, 200, reply.body.toString());
      assert.equal(lastRequest().path, "/v1beta/models/vendor/family:large@2026:generateContent");
    }
  });

  test("is asked for without `models/` by the AI SDK, where the name has a slash", async () => {
    assert.equal((await post("/v1beta/sim-gemini/gemini-house:generateContent")).status, 200);
    assert.equal(lastRequest().path, "/v1beta/models/gemini-house:generateContent");
    assertRefused("gemini", await post("/v1beta/tunedModels/mine:generateContent"), 404, "model_not_found");
  });

  test("reaches clients that put the vendor's name before the path", async () => {
    assert.equal((await post("/gemini/v1beta/models/gemini-house:generateContent")).status, 200);
    assert.equal((await post("/genai/v1/models/gemini-house:countTokens")).status, 200);
  });

  test("is not had in a form whose usage nobody could read", async () => {
    for (const query of ["?alt=proto", "?$alt=media", "?alt=sse&callback=f"]) {
      const reply = await post(`/v1beta/models/gemini-house:streamGenerateContent${query}`);
      assertRefused("gemini", reply, 400, "invalid_request");
    }
    assert.equal(gate.simulator.requests.length, 0);
  });
});

describe("the model a body names", () => {
  test("is the provider's, and never another than the one in the address", async () => {
    const { key } = await gate.createKey({ models: ["sim-gemini/gemini-house"] });
    const sent = async (action: string, body: object): Promise<string> => {
      const place = `${gate.url}/v1beta/models/sim-gemini/gemini-house:${action}`;
      const reply = await send(place, "POST", key, scriptHeaders({ lenient: true }), JSON.stringify(body));
      assert.equal(reply.status, 200, reply.body.toString());
      return lastRequest().body.toString();
    };
    const secret = { model: "models/sim-gemini/secret", content: contents[0] };
    const own = { model: "models/gemini-house", content: contents[0] };
    assert.equal(await sent("generateContent", secret), JSON.stringify(own));
    assert.equal(await sent("embedContent", secret), JSON.stringify(own));
    assert.equal(
      await sent("batchEmbedContents", { requests: [secret, own, secret] }),
      JSON.stringify({ requests: [own, own, own] }),
    );
    assert.equal(
      await sent("countTokens", { generateContentRequest: { model: "models/x", contents } }),
      JSON.stringify({ generateContentRequest: { model: "models/gemini-house", contents } }),
    );
    const place = `${gate.url}/v1beta/models/sim-gemini/secret:generateContent`;
    const refused = await send(place, "POST", key, {}, JSON.stringify({ ...own, contents }));
    assertRefused("gemini", refused, 403, "model_not_allowed");
  });
});

describe("what is not an answer", () => {
  test("tokens are counted, for nothing", async () => {
    const reply = await post("/v1beta/models/gemini-house:countTokens");
    assert.ok((reply.json() as { totalTokens: number }).totalTokens > 1);
    assert.partialDeepStrictEqual(await rowOf(reply), { input_tokens: 0, output_tokens: 0, cost_micros: 0 });
  });

  test("embeddings are made, one or many, and charged for what was sent", async () => {
    const request = { model: "models/gemini-house", content: contents[0], outputDimensionality: 4 };
    const one = await post("/v1beta/models/gemini-house:embedContent", request);
    assert.equal((one.json() as { embedding: { values: number[] } }).embedding.values.length, 4);
    const many = await post("/v1beta/models/gemini-house:batchEmbedContents", { requests: [request, request] });
    assert.equal((many.json() as { embeddings: unknown[] }).embeddings.length, 2);
    for (const reply of [one, many]) {
      const row = await rowOf(reply);
      assert.deepEqual([row.outcome, row.usage_source, row.output_tokens], ["ok", "estimated", 0]);
      assert.ok(row.input_tokens > 0 && row.cost_micros === row.input_tokens);
    }
  });

  test("images are made", async () => {
    const spoken = { contents, generationConfig: { responseModalities: ["TEXT", "IMAGE"] } };
    const drawn = await post("/v1beta/models/gemini-house:generateContent", spoken);
    assert.ok(drawn.body.includes('"inlineData"'));
    assert.ok((await rowOf(drawn)).output_tokens > 1290);
  });
});

describe("a stream that fails", () => {
  const place = "/v1beta/models/gemini-house:streamGenerateContent";

  test("as events, ends with an error in Google's shape", async () => {
    const reply = await post(`${place}?alt=sse`, { contents }, { drop: "reset", dropAtEvent: 4, writes: "event" });
    const error = { code: 502, message: "sim-gemini broke off its reply", status: "UNAVAILABLE" };
    assert.ok(reply.body.toString().endsWith(`\r\n\r\ndata: ${JSON.stringify({ error })}\n\n`));
    assert.partialDeepStrictEqual(await rowOf(reply), { outcome: "broken", usage_source: "estimated" });
  });

  test("as an array, is broken off", async () => {
    const script = { drop: "reset", dropAtEvent: 4, writes: "event" } as const;
    await assert.rejects(post(place, { contents }, script), { code: "ECONNRESET" });
    const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
    assert.partialDeepStrictEqual(data[0], { outcome: "broken", usage_source: "estimated" });
  });

  test("without a reason why it ended, is written down as broken", async () => {
    for (const [query, script] of [
      ["?alt=sse", { omit: ["end"] }],
      ["", { omit: ["end"] }],
      ["?alt=sse", { errorAtEvent: 3 }],
      ["", { errorAtEvent: 3 }],
    ] as const) {
      const reply = await post(place + query, { contents }, script);
      assert.equal(reply.status, 200);
      assert.partialDeepStrictEqual(await rowOf(reply), { outcome: "broken", error_code: "upstream_broke" });
    }
  });
});

describe("an error", () => {
  test("of the provider goes through as it is", async () => {
    const reply = await post("/v1beta/models/gemini-house:generateContent", { content: "?" });
    assert.equal(reply.status, 400);
    assert.deepEqual(reply.json(), {
      error: {
        code: 400,
        message: 'Invalid JSON payload received. Unknown name "content": Cannot find field.',
        status: "INVALID_ARGUMENT",
      },
    });
  });

  test("of ours says where a key belongs, and when to try again", async () => {
    const place = `${gate.url}/v1beta/models/gemini-house:generateContent`;
    const inQuery = await send(`${place}?key=${gate.key}`, "POST", gate.key, { authorization: null }, "{}");
    assert.match(assertRefused("gemini", inQuery, 400, "invalid_request"), /send it as a header/);
    const sealable = await openGate();
    await sealable.admin.call(endpoints.vault.seal);
    const sealed = await sealable.post("/v1/models/sim-gemini/m:generateContent", { contents });
    assert.equal(sealed.headers["retry-after"], "5");
    const { error } = sealed.json() as { readonly error: { readonly details: unknown } };
    assert.deepEqual(error.details, [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "5s" }]);
  });

  test("at an address that nobody has is in Google's shape for Google's clients", async () => {
    const key = { authorization: null, "x-goog-api-key": gate.key };
    assertRefused("gemini", await gate.get("/v1beta/tunedModels", key), 404, "route_not_found");
    const unknown = await send(
      `${gate.url}/v1beta/models/gemini-house:bidiGenerateContent`,
      "POST",
      gate.key,
      key,
      "{}",
    );
    assertRefused("gemini", unknown, 405, "method_not_allowed");
  });
});

describe("the list of models", () => {
  const asGoogle = { authorization: null, "x-goog-api-key": gate.key };
  const own = {
    name: "models/gemini-house",
    version: "",
    displayName: "House gemini-house",
    inputTokenLimit: 1000,
    supportedGenerationMethods: ["generateContent", "countTokens"],
  };

  test("has Google's shape under /v1beta, and under /v1 for who shows a key as Google wants it", async () => {
    for (const [path, headers] of [
      ["/v1beta/models?pageSize=50", {}],
      ["/v1/models", asGoogle],
      ["/gemini/v1beta/models", asGoogle],
    ] as const) {
      const { models, ...page } = (await gate.get(path, headers)).json() as { readonly models: readonly object[] };
      assert.deepEqual(page, {});
      assert.partialDeepStrictEqual(models, [own, { name: "models/sim-gemini/vendor/family:large@2026" }]);
    }
    assert.ok("data" in ((await gate.get("/v1/models")).json() as object));
  });

  test("has one model, or none of that name", async () => {
    assert.deepEqual((await gate.get("/v1beta/models/gemini-house")).json(), own);
    assert.deepEqual((await gate.get("/v1/models/sim-gemini/gemini-house", asGoogle)).json(), own);
    assertRefused("gemini", await gate.get("/v1beta/models/nobody"), 404, "model_not_found");
  });

  test("is only for who has a key", async () => {
    assertRefused("gemini", await gate.get("/v1beta/models", { authorization: null }), 401, "missing_key");
  });
});

test("an array of any form comes through byte for byte, however it is cut", async () => {
  const fixtures = join(import.meta.dirname, "../fixtures/gemini");
  const elements = globSync("*.sse", { cwd: fixtures }).flatMap(
    (name) => readFileSync(join(fixtures, name), "utf8").match(/(?<=^data: ).+$/gm) ?? [],
  );
  const bytes = Buffer.from(
    `[${elements.map((json) => JSON.stringify(JSON.parse(json), null, 2)).join("\r\n,\r\n")}\r\n]`,
  );
  let pieceBytes = 1;
  const upstream = createServer((request: IncomingMessage, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json; charset=UTF-8" });
      for (let from = 0; from < bytes.length; from += pieceBytes)
        response.write(bytes.subarray(from, from + pieceBytes));
      response.end();
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  after(() => upstream.close());
  const base_url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const input = { id: "raw-array", dialect: "gemini", base_url, allow_private: true } as const;
  await gate.admin.call(endpoints.providers.create, { input });
  for (pieceBytes of [1, 61, 100_000]) {
    const reply = await post("/v1beta/models/raw-array/m:streamGenerateContent");
    assert.ok(reply.body.equals(bytes), `in pieces of ${pieceBytes}`);
  }
});

test("a provider at an address with a version of its own is asked there", async () => {
  const seen: string[] = [];
  const upstream = createServer((request, response) => {
    seen.push(request.url ?? "");
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  after(() => upstream.close());
  const { port } = upstream.address() as AddressInfo;
  for (const [id, path] of [
    ["at-v1", "/v1"],
    ["at-beta", "/v1beta"],
    ["at-root", ""],
    ["at-prefix", "/genai"],
  ] as const) {
    const input = { id, dialect: "gemini", base_url: `http://127.0.0.1:${port}${path}`, allow_private: true } as const;
    await gate.admin.call(endpoints.providers.create, { input });
    await post(`/v1beta/models/${id}/m:generateContent`);
  }
  assert.deepEqual(seen, [
    "/v1/models/m:generateContent",
    "/v1beta/models/m:generateContent",
    "/v1beta/models/m:generateContent",
    "/genai/v1beta/models/m:generateContent",
  ]);
});
