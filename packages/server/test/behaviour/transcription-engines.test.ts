import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import OpenAI, { toFile } from "openai";
import { createSimulator } from "../../src/simulator/index.ts";
import { openGate, send } from "../support/gateway.ts";
import { assertRefused, lastRow } from "./ask.ts";

/* Recordings at an engine of another shape than OpenAI's. */

const engine = createSimulator();
const { url: address } = await engine.listen();
after(() => engine.close());

const gate = await openGate({
  config: `providers:
  whisper-cpp: { base_url: "${address}" }
routes:
  strict: { target: whisper-cpp/base, lossy: deny }
`,
});
beforeEach(() => {
  engine.clear();
  engine.play([]);
});

const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });
const model = "whisper-cpp/default";
const sizeBytes = 400_000;
const recording = Buffer.concat([Buffer.from("RIFF"), Buffer.alloc(sizeBytes - 4, "sound")]);
const file = await toFile(recording, "Töne & mehr.wav", { type: "audio/wav" });
const said = "You are listening to Töne & mehr.wav, a recording of 400000 bytes.";

interface Sent {
  readonly path: string;
  readonly names: readonly string[];
  readonly text: string;
}

function lastSent(): Sent {
  const { path, body } = engine.requests.at(-1) ?? assert.fail("nobody was asked");
  const text = body.toString("utf8");
  return { path, names: [...text.matchAll(/form-data; *name="([^"]+)"/g)].map(([, name]) => name ?? ""), text };
}

describe("a recording for whisper.cpp", () => {
  test("is sent as it came, with what the engine knows of the rest, though the model comes behind the file", async () => {
    const { data, response } = await openai.audio.transcriptions
      .create({ file, model, prompt: "Töne", temperature: 0.2, language: "de" })
      .withResponse();
    assert.deepEqual(data, { text: said });
    assert.equal(response.headers.get("x-portcullis-dropped"), null);
    const { path, names, text } = lastSent();
    assert.equal(path, "/inference");
    assert.deepEqual(names.toSorted(), ["file", "language", "prompt", "temperature"]);
    assert.match(text, /filename="Töne & mehr\.wav"/);
    const sent = engine.requests.at(-1)?.body ?? Buffer.alloc(0);
    assert.ok(sent.includes(recording));
    assert.equal(engine.requests.at(-1)?.headers.join(" ").includes(gate.key), false);
    const row = await lastRow(gate);
    assert.deepEqual(
      [row.route, row.outcome, row.provider, row.model, row.usage_source],
      ["/v1/audio/transcriptions", "ok", "whisper-cpp", "default", "estimated"],
    );
  });

  test("in whatever language, where the caller names none", async () => {
    await openai.audio.transcriptions.create({ file, model });
    assert.deepEqual(lastSent().names, ["language", "file"]);
    assert.match(lastSent().text, /name="language"\r\n\r\nauto\r\n/);
  });

  test("is answered in every format, and its length put down where it is told", async () => {
    const ask = (format: "text" | "srt" | "vtt"): Promise<string> =>
      openai.audio.transcriptions.create({ file, model, response_format: format });
    assert.equal(await ask("text"), ` ${said}\n`);
    assert.equal((await lastRow(gate)).usage_source, "estimated");
    assert.equal(await ask("srt"), `1\n00:00:00,000 --> 00:00:25,000\n ${said}\n\n`);
    assert.equal((await lastRow(gate)).audio_ms, 25_000);
    const { data, response } = await openai.audio.transcriptions
      .create({ file, model, response_format: "vtt" })
      .withResponse();
    assert.equal(data, `WEBVTT\n\n00:00:00.000 --> 00:00:25.000\n ${said}\n\n`);
    assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
    const detailed = await openai.audio.transcriptions.create({ file, model, response_format: "verbose_json" });
    assert.deepEqual([detailed.duration, detailed.text, detailed.segments?.length], [25, ` ${said}\n`, 1]);
    const row = await lastRow(gate);
    assert.deepEqual([row.audio_ms, row.usage_source], [25_000, "reported"]);
    assert.deepEqual(await openai.audio.transcriptions.create({ file, model, response_format: "json" }), {
      text: said,
    });
  });

  test("is answered with events where they are asked for, though the engine has none", async () => {
    const events: OpenAI.Audio.TranscriptionStreamEvent[] = [];
    for await (const event of await openai.audio.transcriptions.create({ file, model, stream: true }))
      events.push(event);
    assert.deepEqual(events, [
      { type: "transcript.text.delta", delta: said },
      { type: "transcript.text.done", text: said },
    ]);
    const row = await lastRow(gate);
    assert.deepEqual([row.stream, row.outcome, row.dropped?.[0]?.kind], [true, "ok", "hint"]);
  });

  test("loses what the engine has not, which is said, or refused where the route wants no loss", async () => {
    const asked = { file, chunking_strategy: "auto" as const, timestamp_granularities: ["word" as const] };
    const { response } = await openai.audio.transcriptions
      .create({ ...asked, model, response_format: "verbose_json" })
      .withResponse();
    assert.equal(response.headers.get("x-portcullis-dropped"), "chunking_strategy, timestamp_granularities");
    assert.deepEqual(lastSent().names.toSorted(), ["file", "language", "response_format"]);
    const before = engine.requests.length;
    const strict = await openai.audio.transcriptions
      .create({ ...asked, model: "strict" })
      .catch((thrown: unknown) => thrown);
    assert.ok(strict instanceof OpenAI.BadRequestError);
    assert.match(strict.message, /chunking_strategy/);
    assert.equal(engine.requests.length, before);
    assert.equal((await openai.audio.transcriptions.create({ file, model: "strict" })).text, said);
  });

  test("is translated into English where that is asked for", async () => {
    const reply = await openai.audio.translations.create({ file, model, response_format: "verbose_json" });
    assert.match(JSON.stringify(reply), /"task":"translate"/);
    assert.deepEqual(lastSent().names, ["translate", "language", "file", "response_format"]);
    assert.equal((await lastRow(gate)).route, "/v1/audio/translations");
  });
});

describe("never reaches whisper.cpp", () => {
  const boundary = "of-the-form";
  const form = (...parts: readonly (readonly [head: string, content: string])[]): Buffer =>
    Buffer.from(
      `${parts.map(([head, content]) => `--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${content}\r\n`).join("")}--${boundary}--\r\n`,
    );
  const post = (path: string, body: Buffer) =>
    send(gate.url + path, "POST", gate.key, { "content-type": `multipart/form-data; boundary=${boundary}` }, body);
  const recorded = ['name="file"; filename="a.wav"', "RIFFsound"] as const;
  const named = ['name="model"', model] as const;

  test("a switch of its own", async () => {
    const switches = ["vad", "debug_mode", "no_timestamps", "diarize", "temperature_inc"];
    const body = form(named, ...switches.map((name) => [`name="${name}"`, "true"] as const), recorded);
    const reply = await post("/v1/audio/transcriptions", body);
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(reply.headers["x-portcullis-dropped"], switches.join(", "));
    assert.deepEqual(lastSent().names, ["language", "file"]);
  });

  test("a form that it would read in another way", async () => {
    const refused = [
      [form(recorded, recorded, named), "invalid_form", /given twice/],
      [form(named, ['name="file"', "no file"]), "missing_field", /file/],
      [form(recorded, named, ['name="response_format"', "diarized_json"]), "invalid_request", /one of json, text/],
      [form(recorded, named, ['name="temperature"', "hot"]), "invalid_request", /temperature/],
      [form(recorded, named, ['name="temperature"', "0".repeat(300)]), "invalid_form", /too long/],
    ] as const;
    for (const [body, code, words] of refused) {
      assert.match(assertRefused("openai-chat", await post("/v1/audio/transcriptions", body), 400, code), words);
    }
    assert.equal(engine.requests.length, 0);
  });

  test("a request for anything else, its `/load` least of all", async () => {
    const { key } = await gate.createKey({ passthrough: ["whisper-cpp"] });
    const load = await send(`${gate.url}/providers/whisper-cpp/load`, "POST", key, {}, "{}");
    assert.match(assertRefused("openai-chat", load, 404, "not_found"), /whisper-cpp/);
    const chat = await gate.post("/v1/chat/completions", { model, messages: [{ role: "user", content: "hello" }] });
    assert.match(assertRefused("openai-chat", chat, 400, "not_offered"), /offers no conversations/);
    const speech = await gate.post("/v1/audio/speech", { model, input: "x", voice: "alloy" });
    assertRefused("openai-chat", speech, 400, "not_offered");
    const claude = await gate.post("/v1/messages", {
      model,
      max_tokens: 9,
      messages: [{ role: "user", content: "x" }],
    });
    assertRefused("anthropic-messages", claude, 400, "not_offered");
    assert.equal(engine.requests.length, 0);
  });
});

describe("what fails at whisper.cpp", () => {
  test("is told in OpenAI's shape, though the engine says it in plain text", async () => {
    const wrong = await toFile(Buffer.from("ID3 sound"), "a.mp3");
    const error = await openai.audio.transcriptions.create({ file: wrong, model }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.match(error.message, /whisper\.cpp server refused the request: Invalid request/);
    assert.equal((await lastRow(gate)).outcome, "upstream_error");
  });

  test("with status 200 is a failure all the same", async () => {
    for (const body of ['{"error":"FFmpeg conversion failed."}', "[]"]) {
      engine.play([{ script: { body, contentType: "application/json" } }]);
      const error = await openai.audio.transcriptions.create({ file, model }).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof OpenAI.InternalServerError);
      assert.match(error.message, /FFmpeg|broke off/);
    }
  });

  test("because the engine dies in the middle of its answer does not look whole", async () => {
    engine.play([{ script: { drop: "reset", dropAtByte: 30 } }]);
    const error = await openai.audio.transcriptions.create({ file, model }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof OpenAI.InternalServerError);
    assert.equal(error.code, "upstream_broke");
    assert.equal((await lastRow(gate)).outcome, "broken");
  });
});

test("whether the engine is there can be tested", async () => {
  const result = await gate.admin.call(endpoints.providers.test, { params: { id: "whisper-cpp" } });
  assert.partialDeepStrictEqual(result, { ok: true, models: 0 });
});
