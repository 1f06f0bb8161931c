import assert from "node:assert/strict";
import { describe, test } from "node:test";
import OpenAI, { toFile } from "openai";
import { scriptHeaders } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { lastRow } from "./ask.ts";

const gate = await openGate();
const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });
const model = "sim-chat/gpt-4o-transcribe";
const sizeBytes = 400_000;
const file = await toFile(Buffer.alloc(sizeBytes, "sound"), "Töne & mehr.mp3", { type: "audio/mpeg" });
const said = "You are listening to Töne & mehr.mp3, a recording of 400000 bytes.";

function lastSent(): string {
  return gate.simulator.requests.at(-1)?.body.toString("utf8") ?? "";
}

describe("a transcription", () => {
  test("is made, though the SDK names the model behind the file, and put down with its tokens (B59)", async () => {
    const reply = await openai.audio.transcriptions.create({ file, model, language: "en" });
    assert.equal(reply.text, said);
    const sent = lastSent();
    assert.ok(sent.indexOf('name="file"') < sent.indexOf('name="model"'));
    assert.match(sent, /name="model"\r\n\r\ngpt-4o-transcribe\r\n/);
    assert.doesNotMatch(sent, /response_format/, "nothing is added");
    const row = await lastRow(gate);
    assert.deepEqual(
      [row.route, row.outcome, row.model, row.requested_model, row.input_tokens, row.output_tokens, row.usage_source],
      ["/v1/audio/transcriptions", "ok", "gpt-4o-transcribe", model, 250, 17, "reported"],
    );
  });

  test("comes as text and as subtitles", async () => {
    const ask = (format: "text" | "srt" | "vtt"): Promise<string> =>
      openai.audio.transcriptions.create({ file, model, response_format: format });
    assert.equal(await ask("text"), `${said}\n`);
    assert.equal((await lastRow(gate)).usage_source, "estimated");
    assert.equal(await ask("srt"), `1\n00:00:00,000 --> 00:00:25,000\n${said}\n\n`);
    assert.equal((await lastRow(gate)).usage_source, "reported");
    assert.equal(await ask("vtt"), `WEBVTT\n\n00:00:00.000 --> 00:00:25.000\n${said}\n\n`);
  });

  test("comes in detail, with its length", async () => {
    const reply = await openai.audio.transcriptions.create({
      file,
      model: "sim-chat/whisper-1",
      response_format: "verbose_json",
      timestamp_granularities: ["word", "segment"],
    });
    assert.deepEqual([reply.duration, reply.text, reply.segments?.length], [25, said, 1]);
    const row = await lastRow(gate);
    assert.deepEqual([row.input_tokens, row.audio_ms, row.usage_source], [0, 25_000, "reported"]);
  });

  test("is streamed, and the end states what was used (B60)", async () => {
    let text = "";
    let done = "";
    for await (const event of await openai.audio.transcriptions.create({ file, model, stream: true })) {
      if (event.type === "transcript.text.delta") text += event.delta;
      if (event.type === "transcript.text.done") done = event.text;
    }
    assert.deepEqual([text, done], [said, said]);
    const row = await lastRow(gate);
    assert.deepEqual([row.stream, row.outcome, row.output_tokens, row.usage_source], [true, "ok", 17, "reported"]);
  });

  test("that breaks off does not look whole, and is charged what came", async () => {
    const headers = scriptHeaders({ text: "word ".repeat(80), drop: "reset", dropAtEvent: 40, writes: "event" });
    const events = await openai.audio.transcriptions.create({ file, model, stream: true }, { headers });
    await assert.rejects(async () => {
      for await (const event of events) assert.equal(event.type, "transcript.text.delta");
    });
    const row = await lastRow(gate);
    assert.deepEqual([row.outcome, row.output_tokens, row.usage_source], ["broken", 50, "estimated"]);
  });

  test("that the provider refuses is refused in its own words", async () => {
    const wrong = await toFile(Buffer.from("x"), "notes.txt");
    const error = await openai.audio.transcriptions.create({ file: wrong, model }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.match(error.message, /Unrecognized file format/);
    assert.equal((await lastRow(gate)).outcome, "upstream_error");
  });

  test("is refused for a model that the key may not use, and the provider is not asked", async () => {
    const { key } = await gate.createKey({ models: ["sim-chat/whisper-1"] });
    const limited = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: key, maxRetries: 0 });
    const before = gate.simulator.requests.length;
    const error = await limited.audio.transcriptions.create({ file, model }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof OpenAI.PermissionDeniedError);
    assert.equal(gate.simulator.requests.length, before);
    assert.equal((await limited.audio.transcriptions.create({ file, model: "sim-chat/whisper-1" })).text, said);
  });
});

test("a translation is made", async () => {
  const reply = await openai.audio.translations.create({ file, model: "sim-chat/whisper-1" });
  assert.equal(reply.text, said);
  const row = await lastRow(gate);
  assert.deepEqual([row.route, row.outcome, row.usage_source], ["/v1/audio/translations", "ok", "reported"]);
});
