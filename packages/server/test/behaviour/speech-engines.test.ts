import assert from "node:assert/strict";
import { after, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import OpenAI, { toFile } from "openai";
import { createSimulator } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { lastRow } from "./ask.ts";

/* Engines that have OpenAI's own shapes: nothing is translated. */

const engine = createSimulator();
const { url: address } = await engine.listen();
after(() => engine.close());
const ids = ["openai-edge-tts", "speaches"];
const gate = await openGate({
  config: `providers:\n${ids.map((id) => `  ${id}: { base_url: "${address}" }\n`).join("")}`,
});
for (const provider of ids)
  await gate.admin.call(endpoints.credentials.create, { input: { provider, value: "key-of-the-engine" } });
const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });

for (const id of ids) {
  test(`${id} speaks, and every byte of it comes as it was sent`, async () => {
    const reply = await openai.audio.speech.create({ model: `${id}/tts-1`, voice: "alloy", input: "Grüß Gott" });
    assert.equal(reply.headers.get("content-type"), "audio/mpeg");
    const sound = Buffer.from(await reply.arrayBuffer());
    assert.ok(sound.equals(Buffer.from(Array.from({ length: 24_000 }, (_, index) => (index * 7) & 0xff))));
    assert.equal(engine.requests.at(-1)?.path, "/v1/audio/speech");
    const row = await lastRow(gate);
    assert.deepEqual([row.provider, row.outcome, row.characters], [id, "ok", 9]);
  });
}

test("speaches writes down what it hears, every field of the form as the caller has it", async () => {
  const file = await toFile(Buffer.from("sound"), "a.mp3", { type: "audio/mpeg" });
  const asked = { file, model: "speaches/whisper", timestamp_granularities: ["word" as const], language: "de" };
  const reply = await openai.audio.transcriptions.create({ ...asked, response_format: "verbose_json" });
  assert.equal(reply.text, "You are listening to a.mp3, a recording of 5 bytes.");
  const sent = engine.requests.at(-1)?.body.toString() ?? "";
  assert.match(sent, /name="timestamp_granularities\[\]"/);
  assert.match(sent, /name="model"\r\n\r\nwhisper\r\n/);
});
