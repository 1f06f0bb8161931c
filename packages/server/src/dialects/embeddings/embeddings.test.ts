import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { AppError } from "../../kernel/errors.ts";
import { embeddings as openaiService } from "../../simulator/embeddings.ts";
import { actionPages } from "../../simulator/gemini-pages.ts";
import { ollamaPages } from "../../simulator/ollama-pages.ts";
import type { Call, Errand } from "../../simulator/vendor.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { fixture } from "../test-parts.ts";
import type { EmbeddingCodec, EmbeddingContext, EmbeddingRequest } from "./embedding.ts";
import { embeddingCodecOf } from "./embeddings.ts";
import { base64OfVector, vectorOfBase64 } from "./vectors.ts";

function codec(id: "gemini" | "ollama" | "openai-chat"): EmbeddingCodec {
  return embeddingCodecOf(id) ?? assert.fail(id);
}
const openai = codec("openai-chat");
const gemini = codec("gemini");
const ollama = codec("ollama");
const paths = {
  "openai-chat": "/v1/embeddings",
  gemini: "/v1beta/models/{model}:batchEmbedContents",
  ollama: "/api/embed",
} as const;
const model = "text-model";

const context: EmbeddingContext = { model: "asked-model", format: "float", echo: {}, estimatedInput: 77 };
const lossesOf = ({ losses }: { losses: readonly { readonly path: string; readonly kind: string }[] }) =>
  losses.map(({ kind, path }) => `${kind} ${path}`);

function refusal(decode: () => unknown): string {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    assert.ok(error.code === "invalid_request" || error.code === "missing_field", error.code);
    return error.message;
  }
  return assert.fail("it was not refused");
}

/** What the simulator, which is as strict as the vendors, answers a body with; it fails if the body is refused. */
const served: Readonly<Record<keyof typeof paths, (body: JsonObject) => JsonObject>> = {
  "openai-chat": (body) => {
    assert.equal(openaiService.check({ body } as Call), undefined);
    return (openaiService.serve({ call: { body }, script: {} } as unknown as Errand) as { json: JsonObject }).json;
  },
  gemini: (body) => {
    const page = actionPages["batchEmbedContents"]?.(model) ?? assert.fail();
    assert.equal(page.check({ body } as Call), undefined);
    return JSON.parse(String(page.reply({ body } as Call, () => ""))) as JsonObject;
  },
  ollama: (body) => {
    const page = ollamaPages["/api/embed"] ?? assert.fail();
    assert.equal(page.check({ body } as Call), undefined);
    return JSON.parse(String(page.reply({ body } as Call, () => ""))) as JsonObject;
  },
};

const ids = ["openai-chat", "gemini", "ollama"] as const;

for (const id of ids) {
  const one = codec(id);

  describe(`embeddings of ${id}`, () => {
    test("are asked for as the vendor takes it, and a vector comes for each text", () => {
      const inputs = ["The gate stands open.", "为什么?"];
      const { body, path, losses } = one.encodeRequest({ inputs, dimensions: 3, format: "float" }, model);
      assert.deepEqual(losses, []);
      assert.equal(path.endsWith(paths[id].replace("{model}", model).replace(/^\/(v1beta|v1|api)/, "")), true, path);
      const reply = one.decodeReply(served[id](JSON.parse(JSON.stringify(body)) as JsonObject), inputs.length);
      assert.ok(!("kind" in reply), JSON.stringify(reply));
      assert.deepEqual(
        reply.vectors.map((vector) => vector.length),
        [3, 3],
      );
      if (id !== "gemini") assert.ok((reply.tokens ?? 0) > 0);
    });

    test("are read as they were asked for, and answered as they are read", () => {
      const text = fc.string({ minLength: 1 });
      const request = fc.record(
        {
          inputs: fc.array(text, { minLength: 1, maxLength: 5 }),
          dimensions: fc.integer({ min: 1, max: 4_000 }),
          format: fc.constant("float" as const),
        },
        { requiredKeys: ["inputs", "format"], noNullPrototype: true },
      );
      fc.assert(
        fc.property(request, (asked: EmbeddingRequest) => {
          const decoded = one.decodeRequest(one.encodeRequest(asked, model).body, paths[id]);
          assert.deepEqual(decoded.request, asked);
          assert.deepEqual(decoded.losses, []);
        }),
      );
      const vector = fc.array(
        fc.float({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
        { minLength: 1 },
      );
      const vectors = fc.array(vector, { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(vectors, fc.constantFrom("float" as const, "base64" as const), (given, format) => {
          const reply = { vectors: given, tokens: 9 };
          const written = one.encodeReply(reply, { ...context, format, echo: { batch: true } });
          assert.deepEqual(one.decodeReply(JSON.parse(JSON.stringify(written)) as JsonObject, given.length), reply);
        }),
      );
    });

    test("that are not all there, or are no numbers, are no answer", () => {
      const reply = { vectors: [[1], [2]], tokens: 1 };
      const written = one.encodeReply(reply, { ...context, echo: { batch: true } });
      const bad: readonly (readonly [JsonObject, number])[] = [
        [written, 1],
        [written, 3],
        [{}, 1],
        [{ data: [], embeddings: [] }, 1],
        [{ data: [{ embedding: [] }], embeddings: [[]], embedding: { values: [] } }, 1],
        [{ data: [{ embedding: "?" }], embeddings: ["?"], embedding: { values: ["1"] } }, 1],
        [{ data: [null], embeddings: [null] }, 1],
      ];
      for (const [body, inputs] of bad) {
        const found = one.decodeReply(body, inputs);
        assert.ok("kind" in found && found.kind === "broken", JSON.stringify(body));
      }
    });
  });
}

describe("what OpenAI's callers say", () => {
  test("is one text or several, in base64 if they want it", () => {
    const body = { model: "m", input: "a", encoding_format: "base64", dimensions: null, user: "u", seed: 1 };
    const decoded = openai.decodeRequest(body, paths["openai-chat"]);
    assert.deepEqual(decoded.request, { inputs: ["a"], format: "base64" });
    assert.deepEqual(lossesOf(decoded), ["hint user", "dropped seed"]);
    const { data, usage } = openai.encodeReply(
      { vectors: [[0.5, -2]], tokens: undefined },
      { ...context, format: "base64" },
    );
    assert.deepEqual(data, [{ object: "embedding", index: 0, embedding: "AAAAPwAAAMA=" }]);
    assert.deepEqual(usage, { prompt_tokens: 77, total_tokens: 77 });
  });

  test("is refused where it is tokens, or nothing", () => {
    const input = (value: unknown): string =>
      refusal(() => openai.decodeRequest({ input: value }, paths["openai-chat"]));
    assert.match(input([1, 2]), /`input` holds tokens/);
    assert.match(input([[1], [2]]), /`input` holds tokens/);
    assert.match(input(""), /must not be empty/);
    assert.match(input([]), /must not be empty/);
    assert.match(input(["a", ""]), /must not be empty/);
    assert.match(input(["a", null]), /`input\[1\]` must be a string/);
    assert.match(input(undefined), /the field `input` is required/);
    const format = { input: "a", encoding_format: "hex" };
    assert.match(
      refusal(() => openai.decodeRequest(format, "")),
      /`encoding_format` must be/,
    );
  });

  test("tells what the vectors are for where the provider can be told", () => {
    const asked = (input_type: string) => openai.decodeRequest({ input: "a", input_type }, "");
    const { request } = asked("passage");
    assert.equal(request.task, "document");
    assert.match(JSON.stringify(gemini.encodeRequest(request, model).body), /"taskType":"RETRIEVAL_DOCUMENT"/);
    assert.deepEqual(lossesOf(ollama.encodeRequest(request, model)), ["dropped task"]);
    assert.deepEqual(lossesOf(openai.encodeRequest(request, model)), ["dropped task"]);
    for (const odd of ["poem", "constructor"]) assert.deepEqual(lossesOf(asked(odd)), ["dropped input_type"]);
  });

  test("is answered in the order of the texts, whatever the provider's (by index)", () => {
    const data = [
      { index: 1, embedding: [2] },
      { index: 0, embedding: [1] },
    ];
    const reply = openai.decodeReply({ data, usage: { total_tokens: 4 } }, 2);
    assert.deepEqual(reply, { vectors: [[1], [2]], tokens: 4 });
    const without = openai.decodeReply({ data: [{ embedding: [1] }, { embedding: [2] }] }, 2);
    assert.deepEqual(without, { vectors: [[1], [2]], tokens: undefined });
  });
});

describe("what Gemini's callers say", () => {
  const one = "/v1beta/models/{model}:embedContent";
  const content = { parts: [{ text: "a" }, { text: "b" }] };

  test("is one content, or a batch that is of one kind, in either spelling", () => {
    const body = { model: "models/x", content, task_type: "retrieval_query", output_dimensionality: 5, title: "t" };
    const single = gemini.decodeRequest(body, one);
    assert.deepEqual(single.request, { inputs: ["ab"], dimensions: 5, format: "float", task: "query" });
    assert.deepEqual(lossesOf(single), ["dropped title"]);
    assert.deepEqual(gemini.encodeReply({ vectors: [[1]], tokens: undefined }, { ...context, echo: single.echo }), {
      embedding: { values: [1] },
    });
    const batch = gemini.decodeRequest({ requests: [{ content }, { content, taskType: "" }] }, paths.gemini);
    assert.deepEqual(batch.request.inputs, ["ab", "ab"]);
    assert.deepEqual(gemini.encodeReply({ vectors: [[1], [2]], tokens: 3 }, { ...context, echo: batch.echo }), {
      embeddings: [{ values: [1] }, { values: [2] }],
      usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 },
    });
    assert.deepEqual(lossesOf(gemini.decodeRequest({ content, taskType: "POETRY" }, one)), ["dropped taskType"]);
  });

  test("is refused by its path where it cannot be read", () => {
    const batch = (...requests: readonly unknown[]) => refusal(() => gemini.decodeRequest({ requests }, paths.gemini));
    assert.match(batch(), /`requests` must not be empty/);
    assert.match(batch({ content }, { content, outputDimensionality: 3 }), /must all have the same/);
    assert.match(batch({}), /the field `requests\[0\]\.content` is required/);
    assert.match(
      batch({ content: { parts: [{ inlineData: {} }] } }),
      /`requests\[0\]\.content\.parts\[0\]` must be text/,
    );
    assert.match(batch({ content: { parts: [] } }), /`requests\[0\]\.content` must not be empty/);
    assert.match(
      refusal(() => gemini.decodeRequest({}, paths.gemini)),
      /the field `requests` is required/,
    );
  });

  test("never leads to another address by the model's name", () => {
    const address = (name: string): string => gemini.encodeRequest({ inputs: ["a"], format: "float" }, name).path;
    assert.equal(address("a/b c?x#y"), "/models/a/b%20c%3Fx%23y:batchEmbedContents");
    for (const name of ["..", "a/../b", "/a", "a/", "a//b", ".", "\ud800"])
      assert.match(
        refusal(() => address(name)),
        /address/,
      );
  });
});

describe("what Ollama's callers say", () => {
  test("is one text or several, and at the old address one", () => {
    const body = { model: "m", input: ["a"], truncate: true, dimensions: 0, keep_alive: "5m", options: {} };
    const decoded = ollama.decodeRequest(body, paths.ollama);
    assert.deepEqual(decoded.request, { inputs: ["a"], format: "float" });
    assert.deepEqual(lossesOf(decoded), ["dropped truncate", "hint keep_alive", "hint options"]);
    assert.deepEqual(ollama.encodeReply({ vectors: [[1]], tokens: undefined }, { ...context, echo: decoded.echo }), {
      model: "asked-model",
      embeddings: [[1]],
      total_duration: 0,
      load_duration: 0,
      prompt_eval_count: 77,
    });
    const legacy = ollama.decodeRequest({ model: "m", prompt: "a" }, "/api/embeddings");
    assert.deepEqual(ollama.encodeReply({ vectors: [[1]], tokens: 1 }, { ...context, echo: legacy.echo }), {
      embedding: [1],
    });
    assert.match(
      refusal(() => ollama.decodeRequest({ prompt: ["a"] }, "/api/embeddings")),
      /`prompt` must be a string/,
    );
    assert.match(
      refusal(() => ollama.decodeRequest({ input: [] }, paths.ollama)),
      /must not be empty/,
    );
    assert.match(
      refusal(() => ollama.decodeRequest({}, paths.ollama)),
      /the field `input` is required/,
    );
  });

  test("recorded replies are read", () => {
    const recorded = (name: string) => JSON.parse(fixture("ollama", name).toString("utf8")) as JsonObject;
    const batch = ollama.decodeReply(recorded("embed.json"), 2);
    assert.ok(!("kind" in batch));
    assert.deepEqual([batch.vectors.length, batch.tokens], [2, 8]);
    const legacy = ollama.decodeReply(recorded("embeddings.json"), 1);
    assert.ok(!("kind" in legacy) && legacy.tokens === undefined);
  });
});

describe("vectors in base64", () => {
  test("are 32-bit floats, the lowest byte first (B61)", () => {
    assert.equal(base64OfVector([1]), "AACAPw==");
    const floats = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
    fc.assert(fc.property(floats, (vector) => assert.deepEqual(vectorOfBase64(base64OfVector(vector)), vector)));
    for (const bad of ["", "AAA", "AACA", "AACAPw==!", "AACAfw=="]) assert.equal(vectorOfBase64(bad), undefined, bad);
  });
});

test("dialects without embeddings have no codec for them", () => {
  assert.equal(embeddingCodecOf("anthropic-messages"), undefined);
  assert.equal(embeddingCodecOf("openai-responses"), undefined);
});
