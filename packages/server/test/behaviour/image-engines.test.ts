import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import OpenAI from "openai";
import { createSimulator } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { assertRefused, lastRow } from "./ask.ts";

/* Images of an engine of another shape than OpenAI's. */

const password = "painter:correct-horse-battery";
const engine = createSimulator({ apiKeys: [password] });
const { url: address } = await engine.listen();
after(() => engine.close());

const gate = await openGate({
  config: `providers:
  automatic1111: { base_url: "${address}" }
routes:
  strict: { target: automatic1111/default, lossy: deny }
`,
});
await gate.admin.call(endpoints.credentials.create, { input: { provider: "automatic1111", value: password } });
beforeEach(() => {
  engine.clear();
  engine.play([]);
});

const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });
const model = "automatic1111/default";
const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const lastSent = (): { readonly path: string; readonly body: unknown } => {
  const { path, body } = engine.requests.at(-1) ?? assert.fail("nobody was asked");
  return { path, body: JSON.parse(body.toString()) as unknown };
};
const isPng = (image = ""): boolean => Buffer.from(image, "base64").subarray(0, 8).equals(png);

describe("images of AUTOMATIC1111", () => {
  test("come as OpenAI's do, and are counted", async () => {
    const { data: reply, response } = await openai.images
      .generate({ model, prompt: "A gate", n: 2, size: "768x512", response_format: "b64_json" })
      .withResponse();
    assert.ok(reply.data?.length === 2 && reply.data.every(({ b64_json: image }) => isPng(image)));
    assert.ok(Math.abs(reply.created - Date.now() / 1000) < 60);
    assert.deepEqual([reply.output_format, reply.size as string], ["png", "768x512"]);
    assert.equal(response.headers.get("x-portcullis-dropped"), null);
    const size = { width: 768, height: 512 };
    assert.deepEqual(lastSent(), {
      path: "/sdapi/v1/txt2img",
      body: { prompt: "A gate", batch_size: 2, ...size, send_images: true, save_images: false },
    });
    const row = await lastRow(gate);
    assert.deepEqual(
      [row.route, row.outcome, row.provider, row.images, row.usage_source],
      ["/v1/images/generations", "ok", "automatic1111", 2, "reported"],
    );
  });

  test("are painted with the model that is asked for, which is in force for this request only", async () => {
    const reply = await openai.images.generate({ model: "automatic1111/sd_xl_base_1.0.safetensors", prompt: "A gate" });
    assert.equal(reply.data?.length, 1);
    assert.partialDeepStrictEqual(lastSent().body, {
      override_settings: { sd_model_checkpoint: "sd_xl_base_1.0.safetensors" },
      override_settings_restore_afterwards: true,
    });
  });

  test("of another model than was asked for are refused, though the engine says nothing of it", async () => {
    const error = await openai.images
      .generate({ model: "automatic1111/nothing-of-the-kind", prompt: "A gate" })
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.match(error.message, /it painted with v1-5-pruned-emaonly/);
    assert.equal((await lastRow(gate)).outcome, "upstream_error");
  });

  test("that are large come whole, and are counted all the same", async () => {
    const sizeBytes = 3_000_000;
    engine.play([{ script: { textBytes: sizeBytes } }]);
    const reply = await openai.images.generate({ model, prompt: "A gate", n: 3 });
    for (const { b64_json: image = "" } of reply.data ?? []) {
      assert.ok(Buffer.from(image, "base64").length > sizeBytes);
    }
    assert.equal((await lastRow(gate)).images, 3);
  });

  test("come as events where they are asked for, when they are done", async () => {
    const types: string[] = [];
    const events = await openai.images.generate({ model, prompt: "A gate", n: 2, stream: true, partial_images: 2 });
    for await (const event of events) {
      types.push(event.type);
      assert.ok(isPng(event.b64_json));
    }
    assert.deepEqual(types, ["image_generation.completed", "image_generation.completed"]);
    const row = await lastRow(gate);
    assert.deepEqual([row.stream, row.outcome, row.images], [true, "ok", 2]);
    assert.deepEqual((row.dropped ?? []).map(({ path, kind }) => `${path} ${kind}`).toSorted(), [
      "partial_images dropped",
      "stream hint",
    ]);
  });

  test("are asked for with nothing that runs scripts, writes files or changes settings", async () => {
    const dangerous = {
      script_name: "x/y/z plot",
      script_args: [],
      alwayson_scripts: { x: { args: [] } },
      override_settings: { outdir_samples: "/etc" },
      save_images: true,
      styles: ["../../etc/passwd"],
    };
    const reply = await gate.post("/v1/images/generations", { model, prompt: "A gate", ...dangerous });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(reply.headers["x-portcullis-dropped"], Object.keys(dangerous).join(", "));
    assert.deepEqual(lastSent().body, { prompt: "A gate", batch_size: 1, send_images: true, save_images: false });
  });

  test("lose what the engine has not, which is said, or refused where the route wants no loss", async () => {
    const asked = { prompt: "A gate", quality: "high", response_format: "url", user: "someone" };
    const reply = await gate.post("/v1/images/generations", { model, ...asked });
    assert.equal(reply.headers["x-portcullis-dropped"], "quality, response_format, user");
    assert.match(reply.body.toString(), /b64_json/);
    const strict = await gate.post("/v1/images/generations", { model: "strict", ...asked });
    const words = assertRefused("openai-chat", strict, 400, "translation_lossy");
    assert.match(words, /quality/);
    assert.doesNotMatch(words, /user/);
    assert.equal((await gate.post("/v1/images/generations", { model: "strict", prompt: "A gate" })).status, 200);
  });
});

describe("what fails at AUTOMATIC1111", () => {
  test("is refused before anybody is asked where it cannot be painted", async () => {
    for (const [asked, word] of [
      [{}, /prompt/],
      [{ prompt: 1 }, /prompt/],
      [{ prompt: "x", n: 11 }, /`n`/],
      [{ prompt: "x", size: "9000x9000" }, /`size`/],
      [{ prompt: "x", size: "wide" }, /`size`/],
    ] as const) {
      const reply = await gate.post("/v1/images/generations", { model, ...asked });
      assert.equal(reply.status, 400);
      assert.match(reply.body.toString(), word);
    }
    assert.equal(engine.requests.length, 0);
  });

  test("is told in OpenAI's shape with the engine's words", async () => {
    const oom = '{"error":"OutOfMemoryError","detail":"","body":"","errors":"CUDA out of memory."}';
    const rows = [
      [500, oom, 502, /OutOfMemoryError: CUDA out of memory/],
      [422, '{"detail":[{"loc":["body","width"],"msg":"value is not a valid integer"}]}', 400, /width: value is not/],
      [404, '{"detail":"Not Found"}', 502, /started with `--api`/],
      [404, '{"error":"HTTPException","detail":"Model not found","body":"","errors":""}', 404, /Model not found/],
      [500, "<html>oh no</html>", 502, /it gave no reason/],
    ] as const;
    for (const [status, body, expected, words] of rows) {
      engine.play([{ script: { status, body, contentType: "application/json" } }]);
      const reply = await gate.post("/v1/images/generations", { model, prompt: "A gate" });
      assert.equal(reply.status, expected, reply.body.toString());
      assert.match(reply.body.toString(), words);
      assert.partialDeepStrictEqual(reply.json(), { error: { param: null } });
    }
  });

  test("with no images, or in the middle of one, does not look whole", async () => {
    for (const script of [
      { body: '{"images":[]}' },
      { body: '{"images":["aaa' },
      { dropAtByte: 60, drop: "reset" },
    ] as const) {
      engine.play([{ script: { contentType: "application/json", ...script } }]);
      const reply = await gate.post("/v1/images/generations", { model, prompt: "A gate" });
      assertRefused("openai-chat", reply, 502, "upstream_broke");
    }
  });

  test("with a stream is a failure in its place", async () => {
    engine.play([{ script: { status: 500, message: "CUDA out of memory." } }]);
    const reply = await gate.post("/v1/images/generations", { model, prompt: "A gate", stream: true });
    assert.equal(reply.status, 502);
    assert.match(reply.body.toString(), /CUDA/);
  });

  test("because nothing of the kind is offered", async () => {
    const chat = await gate.post("/v1/chat/completions", { model, messages: [{ role: "user", content: "hello" }] });
    assert.match(assertRefused("openai-chat", chat, 400, "not_offered"), /AUTOMATIC1111/);
    const vectors = await gate.post("/v1/embeddings", { model, input: "x" });
    assertRefused("openai-chat", vectors, 400, "not_offered");
    const elsewhere = await gate.post("/v1/images/generations", { model: "sim-anthropic/x", prompt: "x" });
    assert.match(assertRefused("openai-chat", elsewhere, 400, "not_offered"), /offers no images/);
    assert.equal(engine.requests.length, 0);
  });
});

test("the engine gets the name and password that it was started with, and lists its models", async () => {
  await openai.images.generate({ model, prompt: "A gate" });
  const headers = engine.requests.at(-1)?.headers ?? [];
  assert.ok(headers.includes(`Basic ${Buffer.from(password).toString("base64")}`));
  const { models, ok } = await gate.admin.call(endpoints.providers.test, { params: { id: "automatic1111" } });
  assert.deepEqual([ok, models], [true, 2]);
});
