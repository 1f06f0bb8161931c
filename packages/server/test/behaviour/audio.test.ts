import assert from "node:assert/strict";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { describe, test } from "node:test";
import OpenAI from "openai";
import { scriptHeaders } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { lastRow } from "./ask.ts";

const gate = await openGate();
const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });
const asked = { model: "sim-chat/test-model", voice: "alloy", input: "Grüß Gott, 世界!" };
const sound = (sizeBytes: number): Buffer =>
  Buffer.from(Array.from({ length: sizeBytes }, (_, index) => (index * 7) & 0xff));

describe("speech", () => {
  test("is forwarded byte for byte, and can be streamed to a file", async () => {
    const reply = await openai.audio.speech.create(asked);
    assert.equal(reply.headers.get("content-type"), "audio/mpeg");
    assert.equal(reply.headers.get("content-encoding"), null);
    const path = join(gate.home, "speech.mp3");
    assert.ok(reply.body);
    await pipeline(Readable.fromWeb(reply.body as ReadableStream), createWriteStream(path));
    assert.ok(readFileSync(path).equals(sound(24_000)));
    const row = await lastRow(gate);
    assert.deepEqual(
      [row.route, row.outcome, row.characters],
      ["/v1/audio/speech", "ok", Array.from(asked.input).length],
    );
  });

  test("reaches the caller while it is still being made", async () => {
    const headers = scriptHeaders({ writes: "event", paceMs: 40 });
    const reply = await openai.audio.speech.create({ ...asked, response_format: "pcm" }, { headers });
    assert.ok(reply.body);
    const times: number[] = [];
    for await (const piece of reply.body as ReadableStream<Uint8Array>) {
      if (piece.length > 0) times.push(performance.now());
    }
    assert.ok(times.length >= 4, `${times.length} pieces`);
    assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) > 100, "not all at once");
  });

  test("that the provider breaks off breaks off for the caller too", async () => {
    const headers = scriptHeaders({ drop: "reset", dropAtByte: 9000 });
    const reply = await openai.audio.speech.create(asked, { headers });
    await assert.rejects(reply.arrayBuffer());
    assert.equal((await lastRow(gate)).outcome, "broken");
  });

  test("as events states what was used", async () => {
    const reply = await openai.audio.speech.create({ ...asked, stream_format: "sse" });
    const text = await reply.text();
    assert.match(text, /"type":"speech\.audio\.done"/);
    const row = await lastRow(gate);
    assert.deepEqual([row.outcome, row.output_tokens, row.usage_source], ["ok", 50, "reported"]);
  });

  test("that is refused is refused in JSON", async () => {
    const error = await openai.audio.speech.create({ ...asked, input: "" }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "input");
  });
});
