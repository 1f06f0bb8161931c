import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { requestRules, scanObject } from "../../kernel/json-scan.ts";
import { type MediaUsage, noMedia, noTokens, type TokenUsage } from "../../kernel/tokens.ts";
import type { UsageReader, UsageReading } from "../dialect.ts";
import { openaiChat } from "./index.ts";

/* The routes beside chat. What a reply states is read wherever it is split, and nothing is made up where it states nothing. */

function readersOf(path: string) {
  const route = openaiChat.routes.find((one) => one.path === path);
  assert.ok(route, path);
  return route.usage;
}

function readSplit(create: () => UsageReader, bytes: Buffer): UsageReading {
  const read = (...chunks: readonly Buffer[]): UsageReading => {
    const reader = create();
    for (const chunk of chunks) reader.push(chunk);
    assert.deepEqual(reader.end(), reader.end());
    return reader.end();
  };
  const expected = read(bytes);
  for (let at = 0; at <= bytes.length; at++) {
    assert.deepEqual(read(bytes.subarray(0, at), bytes.subarray(at)), expected, `split at ${at}`);
  }
  assert.deepEqual(read(...Array.from(bytes, (byte) => Buffer.from([byte]))), expected, "byte by byte");
  return expected;
}

const body = (path: string, text: string): UsageReading => readSplit(readersOf(path).body, Buffer.from(text));
const stream = (path: string, ...events: readonly string[]): UsageReading =>
  readSplit(() => readersOf(path).stream("sse"), Buffer.from(events.map((data) => `data: ${data}\n\n`).join("")));
const used = (tokens: Partial<TokenUsage>, media?: Partial<MediaUsage>): TokenUsage => ({
  ...noTokens,
  ...tokens,
  ...(media && { media: { ...noMedia, ...media } }),
});

interface Case {
  readonly path: string;
  readonly reply: string;
  readonly tokens: TokenUsage | undefined;
  readonly model?: string;
}

const bodies: Readonly<Record<string, Case>> = {
  "embeddings state the prompt": {
    path: "/v1/embeddings",
    reply:
      '{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPw=="}],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}',
    tokens: used({ input: 8 }),
    model: "text-embedding-3-small",
  },
  "embeddings of Voyage state the total": {
    path: "/v1/embeddings",
    reply: '{"object":"list","data":[],"model":"voyage-4","usage":{"total_tokens":10}}',
    tokens: used({ input: 10 }),
    model: "voyage-4",
  },
  "a completion states both sides": {
    path: "/v1/completions",
    reply:
      '{"id":"cmpl-1","object":"text_completion","model":"gpt-3.5-turbo-instruct","choices":[{"text":"Hi","index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}',
    tokens: used({ input: 5, output: 7 }),
    model: "gpt-3.5-turbo-instruct",
  },
  "images state tokens, of which some are images, and are counted": {
    path: "/v1/images/generations",
    reply:
      '{"created":1713833628,"data":[{"b64_json":"iVBO\\"b64_json\\""},{"b64_json":"iVBO"}],"usage":{"total_tokens":372,"input_tokens":100,"output_tokens":272,"input_tokens_details":{"text_tokens":10,"image_tokens":90}}}',
    tokens: used({ input: 100, output: 272 }, { inputImage: 90, outputImage: 272, images: 2 }),
  },
  "images beside text in the output": {
    path: "/v1/images/edits",
    reply:
      '{"data":[{"b64_json":"iVBO"}],"usage":{"input_tokens":1,"output_tokens":300,"output_tokens_details":{"image_tokens":272,"text_tokens":28}}}',
    tokens: used({ input: 1, output: 300 }, { outputImage: 272, images: 1 }),
  },
  "images that state no tokens are counted": {
    path: "/v1/images/generations",
    reply: '{"created":1,"data":[{"url":"https://x/1.png","b64_json":null},{"url":"https://x/2.png","b64_json":null}]}',
    tokens: used({}, { images: 2 }),
  },
  "a transcription charged by the token": {
    path: "/v1/audio/transcriptions",
    reply:
      '{"text":"Hello","usage":{"type":"tokens","input_tokens":14,"output_tokens":101,"total_tokens":115,"input_token_details":{"text_tokens":4,"audio_tokens":10}}}',
    tokens: used({ input: 14, output: 101 }, { inputAudio: 10 }),
  },
  "a transcription charged by the second": {
    path: "/v1/audio/transcriptions",
    reply: '{"text":"Hello","usage":{"type":"duration","seconds":9}}',
    tokens: used({}, { audioMs: 9000 }),
  },
  "a verbose one of an older server, which states the length only": {
    path: "/v1/audio/translations",
    reply: '{"task":"translate","language":"english","duration":"8.470000095367432","text":"Hello","segments":[]}',
    tokens: used({}, { audioMs: 8470 }),
  },
  "subtitles, by their last line's end": {
    path: "/v1/audio/transcriptions",
    reply: "1\n00:00:00,000 --> 00:00:04,120\nHello\n\n2\n00:00:04,120 --> 01:00:07,500\nthere --> 99\n\n",
    tokens: used({}, { audioMs: 3_607_500 }),
  },
  "subtitles of the other kind": {
    path: "/v1/audio/transcriptions",
    reply: "WEBVTT\n\n00:00.000 --> 00:11.250\nHello\n\n",
    tokens: used({}, { audioMs: 11_250 }),
  },
  "plain text states nothing": { path: "/v1/audio/transcriptions", reply: "Hello there.\n", tokens: undefined },
  "Cohere's reranker states search units": {
    path: "/v2/rerank",
    reply:
      '{"id":"07734bd2","results":[{"index":3,"relevance_score":0.99}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":2}}}',
    tokens: used({}, { searches: 2 }),
  },
  "Jina's reranker states tokens": {
    path: "/v1/rerank",
    reply: '{"model":"jina-reranker-v3","object":"list","usage":{"total_tokens":815},"results":[]}',
    tokens: used({ input: 815 }),
    model: "jina-reranker-v3",
  },
  "moderation is free": {
    path: "/v1/moderations",
    reply: '{"id":"modr-1","model":"omni-moderation-latest","results":[{"flagged":false}]}',
    tokens: noTokens,
    model: "omni-moderation-latest",
  },
  "moderation of Mistral is not": {
    path: "/v1/moderations",
    reply: '{"id":"1","model":"mistral-moderation","usage":{"prompt_tokens":21,"total_tokens":21},"results":[]}',
    tokens: used({ input: 21 }),
    model: "mistral-moderation",
  },
};

describe("a reply that is one document", () => {
  for (const [name, { path, reply, tokens, model }] of Object.entries(bodies)) {
    test(name, () => {
      const reading = body(path, reply);
      assert.deepEqual(reading.tokens, tokens);
      assert.deepEqual([reading.complete, reading.model, reading.failure], [true, model, undefined]);
    });

    test(`${name}: nothing if it is cut off`, () => {
      if (!reply.startsWith("{")) return;
      const reading = body(path, reply.slice(0, -1));
      assert.equal(reading.complete, false);
    });
  }

  test("of many megabytes states its usage all the same, and its images are counted", () => {
    const reader = readersOf("/v1/images/generations").body();
    for (const lead of ['{"created":1,"data":[{"b64_json":"', '"},{"b64_json":"', '"},{"b64_json":"']) {
      reader.push(Buffer.from(lead));
      for (let count = 0; count < 50; count++) reader.push(Buffer.alloc(65_536, "A"));
    }
    reader.push(Buffer.from('"}],"usage":{"input_tokens":3,"output_tokens":4}}'));
    const reading = reader.end();
    assert.deepEqual(reading.tokens, used({ input: 3, output: 4 }, { outputImage: 4, images: 3 }));
    assert.deepEqual([reading.complete, reading.outputBytes], [true, 0]);
  });

  test("of vectors or images is not taken for text where it states no usage", () => {
    for (const path of ["/v1/embeddings", "/v1/rerank", "/v1/images/edits"]) {
      assert.equal(body(path, '{"data":[{"embedding":[1,2],"text":"abc","content":"x"}]}').outputBytes, 0, path);
    }
    assert.equal(body("/v1/audio/transcriptions", "Hello there.\n").outputBytes, 13);
  });

  test("that is an error says which", () => {
    for (const { path } of Object.values(bodies)) {
      assert.equal(body(path, '{"error":{"message":"no","type":"insufficient_quota"}}').failure, "insufficient_quota");
    }
  });

  test("cannot state what makes no sense", () => {
    const speech = (seconds: unknown): TokenUsage | undefined =>
      body("/v1/audio/transcriptions", JSON.stringify({ text: "", usage: { type: "duration", seconds } })).tokens;
    for (const seconds of [-1, "x", "", null, [], {}, "1e999"]) assert.equal(speech(seconds), undefined);
    const usage = '{"input_tokens":5,"output_tokens":2,"input_tokens_details":{"image_tokens":99}}';
    const { tokens } = body("/v1/images/edits", `{"data":[],"usage":${usage}}`);
    assert.deepEqual(tokens, used({ input: 5, output: 2 }, { inputImage: 5, outputImage: 2 }));
  });
});

describe("a stream", () => {
  test("of a completion is measured, and its usage read", () => {
    const chunk = (text: string, reason: string, more = ""): string =>
      `{"id":"cmpl-1","object":"text_completion","choices":[{"text":"${text}","index":0,"logprobs":null,"finish_reason":${reason}}],"model":"instruct"${more}}`;
    const usage = '{"choices":[],"model":"instruct","usage":{"prompt_tokens":5,"completion_tokens":7}}';
    const reading = stream("/v1/completions", chunk("Hel", "null"), chunk("lo", '"stop"'), usage, "[DONE]");
    assert.deepEqual(reading.tokens, used({ input: 5, output: 7 }));
    assert.deepEqual([reading.outputBytes, reading.stopReason, reading.complete], [5, "stop", true]);
    const cut = stream("/v1/completions", chunk("Hel", "null"));
    assert.deepEqual([cut.outputBytes, cut.complete], [3, false]);
  });

  test("of images states what was used with the image that is done", () => {
    const usage = '{"input_tokens":50,"output_tokens":272,"input_tokens_details":{"text_tokens":50,"image_tokens":0}}';
    const reading = stream(
      "/v1/images/generations",
      '{"type":"image_generation.partial_image","b64_json":"iVBO","partial_image_index":0}',
      `{"type":"image_generation.completed","b64_json":"iVBO","usage":${usage}}`,
    );
    assert.deepEqual(reading.tokens, used({ input: 50, output: 272 }, { outputImage: 272, images: 1 }));
    assert.deepEqual([reading.complete, reading.outputBytes], [true, 0]);
    const begun = stream("/v1/images/edits", '{"type":"image_edit.partial_image","b64_json":"iVBO"}');
    assert.deepEqual([begun.complete, begun.tokens], [false, undefined]);
  });

  test("with an image too large to hold states its usage all the same", () => {
    const reader = readersOf("/v1/images/generations").stream("sse");
    reader.push(Buffer.from('data: {"type":"image_generation.completed","b64_json":"'));
    for (let count = 0; count < 100; count++) reader.push(Buffer.alloc(65_536, "A"));
    reader.push(Buffer.from('","usage":{"input_tokens":3,"output_tokens":4}}\n\n'));
    assert.deepEqual(reader.end().tokens, used({ input: 3, output: 4 }, { outputImage: 4, images: 1 }));
    assert.equal(reader.end().complete, true);
  });

  test("of speech states its audio at the end", () => {
    const reading = stream(
      "/v1/audio/speech",
      '{"type":"speech.audio.delta","audio":"SUQz"}',
      '{"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}',
    );
    assert.deepEqual(reading.tokens, used({ input: 14, output: 101 }, { outputAudio: 101 }));
    assert.equal(reading.outputBytes, 0);
  });

  test("of a transcription is measured, and its usage read", () => {
    const deltas = ["Hello", " there"].map((delta) => `{"type":"transcript.text.delta","delta":"${delta}"}`);
    const usage = '{"type":"tokens","input_tokens":14,"output_tokens":3,"input_token_details":{"audio_tokens":10}}';
    const done = `{"type":"transcript.text.done","text":"Hello there","usage":${usage}}`;
    const reading = stream("/v1/audio/transcriptions", ...deltas, done);
    assert.deepEqual(reading.tokens, used({ input: 14, output: 3 }, { inputAudio: 10 }));
    assert.deepEqual([reading.outputBytes, reading.complete], [11, true]);
    const cut = stream("/v1/audio/transcriptions", ...deltas);
    assert.deepEqual([cut.outputBytes, cut.complete, cut.tokens], [11, false, undefined]);
  });

  test("that fails says so", () => {
    for (const event of ['{"type":"error","error":{"type":"server_error"}}', '{"error":{"type":"server_error"}}']) {
      const reading = stream("/v1/audio/transcriptions", '{"type":"transcript.text.delta","delta":"a"}', event);
      assert.deepEqual([reading.failure, reading.complete], ["server_error", false]);
    }
  });
});

test("what is to be spoken is counted in characters, not bytes or halves of them", () => {
  const speech = openaiChat.routes.find(({ path }) => path === "/v1/audio/speech");
  assert.ok(speech?.keys);
  const { keys } = speech;
  const asked = (input: unknown): MediaUsage | undefined => {
    const body = Buffer.from(JSON.stringify({ model: "tts-1", voice: "alloy", input }));
    return speech.requestedMedia?.(body, scanObject(body, keys, requestRules));
  };
  assert.deepEqual(asked("Grüß 👋\n"), { ...noMedia, characters: 7 });
  assert.deepEqual(asked(undefined), noMedia);
});
