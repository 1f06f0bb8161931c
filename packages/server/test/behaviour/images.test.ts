import assert from "node:assert/strict";
import { describe, test } from "node:test";
import OpenAI, { toFile } from "openai";
import { scriptHeaders } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { lastRow } from "./ask.ts";

const gate = await openGate();
const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });
const model = "sim-chat/test-model";
const asked = { model, prompt: "A gate" };
const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

describe("images", () => {
  test("come in base64, and are put down with their tokens", async () => {
    const reply = await openai.images.generate({ ...asked, n: 2 });
    assert.equal(reply.data?.length, 2);
    for (const { b64_json: image = "" } of reply.data) {
      assert.ok(Buffer.from(image, "base64").subarray(0, 8).equals(png));
    }
    const row = await lastRow(gate);
    assert.deepEqual(
      [row.route, row.outcome, row.output_tokens, row.images, row.usage_source],
      ["/v1/images/generations", "ok", 544, 2, "reported"],
    );
  });

  test("larger than what is held back come whole all the same", async () => {
    const sizeBytes = 5_000_000;
    const headers = scriptHeaders({ textBytes: sizeBytes, usage: { input: 5, output: 600 } });
    const reply = await openai.images.generate({ ...asked, n: 2 }, { headers });
    for (const { b64_json: image = "" } of reply.data ?? []) {
      assert.equal(Buffer.from(image, "base64").length, sizeBytes + 8);
    }
    const row = await lastRow(gate);
    assert.deepEqual([row.outcome, row.input_tokens, row.output_tokens, row.usage_source], ["ok", 5, 600, "reported"]);
  });

  test("come step by step, and the last step states what was used", async () => {
    const types: string[] = [];
    const events = await openai.images.generate({ ...asked, stream: true, partial_images: 2 });
    for await (const event of events) types.push(event.type);
    assert.deepEqual(types, [
      "image_generation.partial_image",
      "image_generation.partial_image",
      "image_generation.completed",
    ]);
    const row = await lastRow(gate);
    assert.deepEqual([row.outcome, row.stream, row.output_tokens, row.usage_source], ["ok", true, 272, "reported"]);
  });

  test("that the provider breaks off do not look whole", async () => {
    const headers = scriptHeaders({ drop: "reset", dropAtEvent: 1, writes: "event" });
    const events = await openai.images.generate({ ...asked, stream: true, partial_images: 2 }, { headers });
    await assert.rejects(async () => {
      for await (const event of events) assert.ok(event.type.endsWith("partial_image"));
    });
    assert.equal((await lastRow(gate)).outcome, "broken");
  });

  test("are edited: several files, in the order they came, streamed or not", async () => {
    const image = await Promise.all(["one.png", "two.png"].map((name) => toFile(png, name, { type: "image/png" })));
    const reply = await openai.images.edit({ ...asked, image });
    assert.equal(reply.data?.length, 1);
    const sent = gate.simulator.requests.at(-1)?.body.toString("latin1") ?? "";
    assert.ok(sent.indexOf('filename="one.png"') < sent.indexOf('filename="two.png"'));
    assert.match(sent, /name="model"\r\n\r\ntest-model\r\n/);
    const types: string[] = [];
    for await (const event of await openai.images.edit({ ...asked, image, stream: true })) types.push(event.type);
    assert.deepEqual(types, ["image_edit.completed"]);
    const row = await lastRow(gate);
    assert.deepEqual([row.route, row.stream, row.usage_source], ["/v1/images/edits", true, "reported"]);
  });
});
