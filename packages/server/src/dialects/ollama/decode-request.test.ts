import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { testSeal } from "../canonical/test-parts.ts";
import type { JsonObject, Turn } from "../canonical/conversation.ts";
import { inOrder } from "../canonical/order.ts";
import { Losses } from "../canonical/loss.ts";
import { fixtures } from "../test-parts.ts";
import { decodeRequest } from "./decode-request.ts";

const chat = (body: JsonObject, stream = false) => decodeRequest(body, { stream, path: "/api/chat", seal: testSeal });
const generate = (body: JsonObject) => decodeRequest(body, { stream: false, path: "/api/generate", seal: testSeal });
const request = (name: string): JsonObject =>
  JSON.parse(readFileSync(join(fixtures, "ollama/requests", name), "utf8")) as JsonObject;
const user = { role: "user", content: "Hello" };
const paths = ({ losses }: { losses: readonly { readonly path: string; readonly kind: string }[] }) =>
  losses.map(({ path, kind }) => `${kind} ${path}`).sort();

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

/** The results of the last turn, as they pair with the calls before them. */
function results(turns: readonly Turn[]): unknown {
  return turns.flatMap((turn) =>
    turn.role !== "user"
      ? []
      : turn.parts.flatMap((part) => {
          if (part.type !== "tool_result") return [];
          return [[part.callId, part.parts.map((each) => (each.type === "text" ? each.text : each.type)).join()]];
        }),
  );
}

describe("a chat of Ollama's", () => {
  test("is taken whole: system, thoughts, calls with their results, tools and options", () => {
    const { conversation, losses, echo } = chat(request("assistant-tools.json"), true);
    assert.deepEqual(losses, []);
    assert.deepEqual(echo, { generate: false });
    const { system, turns, tools, ...rest } = conversation;
    assert.deepEqual(rest, {
      reasoning: { shown: true },
      maxOutputTokens: 400,
      sampling: { temperature: 0.2, topP: 0.9, topK: 20, seed: 7 },
      stop: ["END"],
      stream: true,
    });
    assert.equal(system[0]?.text, "You look after a house. Answer in one sentence.");
    assert.equal(tools[0]?.name, "get_state");
    assert.deepEqual(turns[1]?.parts, [
      { type: "thinking", text: "Two sensors are needed." },
      { type: "text", text: "I look at both." },
      {
        type: "tool_call",
        id: "call_1",
        name: "get_state",
        kind: "function",
        arguments: '{"entity":"window.kitchen"}',
      },
      {
        type: "tool_call",
        id: "call_2",
        name: "get_state",
        kind: "function",
        arguments: '{"entity":"sensor.outside"}',
      },
    ]);
    assert.deepEqual(results(turns), [
      ["call_1", "open"],
      ["call_2", "-3.5 °C"],
    ]);
  });

  test("without ids pairs results by the tool's name, and then by their order", () => {
    const { conversation } = chat(request("home-agent.json"));
    assert.deepEqual(conversation.reasoning, { effort: "none", shown: false });
    assert.deepEqual(results(conversation.turns), [
      ["call_2_1", '{"success":true}'],
      ["call_2_0", '{"success":false}'],
    ]);
    const ordered = inOrder(conversation, new Losses());
    assert.deepEqual(results(ordered.turns), [
      ["call_2_0", '{"success":false}'],
      ["call_2_1", '{"success":true}'],
    ]);
  });

  test("keeps ids of calls apart from round to round", () => {
    const call = { role: "assistant", content: "", tool_calls: [{ function: { name: "f", arguments: {} } }] };
    const result = { role: "tool", content: "1" };
    const { conversation } = chat({ messages: [user, call, result, call, result] });
    assert.deepEqual(results(conversation.turns), [
      ["call_1_0", "1"],
      ["call_3_0", "1"],
    ]);
  });

  test("with a result that nothing asked for loses none of its words", () => {
    const { conversation } = chat({ messages: [user, { role: "tool", content: "lonely", tool_name: "f" }] });
    const losses = new Losses();
    assert.match(JSON.stringify(inOrder(conversation, losses).turns), /lonely/);
    assert.equal(losses.list.length, 1);
  });

  test("has its images before the text, with the type that their bytes have", () => {
    const { conversation, losses } = chat(request("web-ui.json"));
    const [image, text] = conversation.turns[0]?.parts ?? [];
    assert.ok(image?.type === "image" && image.source.kind === "base64");
    assert.equal(image.source.mediaType, "image/png");
    assert.equal(text?.type, "text");
    assert.deepEqual(paths({ losses }), [
      "dropped options.mirostat",
      "dropped options.repeat_penalty",
      "hint keep_alive",
      "hint options.num_ctx",
      "hint options.num_gpu",
    ]);
  });

  test("takes JPEG, GIF, WebP, `data:` URLs and addresses for images, and nothing else", () => {
    const typeOf = (image: string): unknown => {
      const part = chat({ messages: [{ ...user, images: [image] }] }).conversation.turns[0]?.parts[0];
      assert.ok(part?.type === "image");
      return part.source.kind === "base64" ? part.source.mediaType : part.source;
    };
    const base64 = (bytes: string): string => Buffer.from(bytes, "latin1").toString("base64");
    assert.equal(typeOf(base64("\u00ff\u00d8\u00ff\u00e0rest")), "image/jpeg");
    assert.equal(typeOf(base64("GIF89a and more")), "image/gif");
    assert.equal(typeOf(base64("RIFF1234WEBPVP8 ")), "image/webp");
    assert.equal(typeOf("data:image/jpg;base64,AAAA"), "image/jpeg");
    assert.deepEqual(typeOf("https://x.example/a.png"), { kind: "url", url: "https://x.example/a.png" });
    assert.match(
      refusal(() => typeOf(base64("RIFF1234WAVEfmt "))),
      /`messages\[0\]\.images\[0\]` must be a JPEG/,
    );
    assert.match(
      refusal(() => typeOf("not base64!")),
      /is not base64/,
    );
  });

  test("asks for JSON, for a schema, and for an effort", () => {
    const { conversation } = chat(request("structured.json"));
    assert.deepEqual(conversation.reasoning, { effort: "low", shown: true });
    assert.ok(conversation.output?.type === "schema");
    assert.deepEqual(conversation.output.schema["required"], ["city", "people"]);
    assert.deepEqual(chat({ messages: [user], format: "json" }).conversation.output, { type: "json" });
    assert.equal(chat({ messages: [user], format: "" }).conversation.output, undefined);
  });

  test("keeps instructions between turns where they stand", () => {
    const later = { role: "system", content: "Be brief." };
    const { conversation } = chat({ messages: [{ role: "system", content: "A" }, user, later] });
    assert.equal(conversation.system.length, 1);
    assert.deepEqual(
      conversation.turns.map(({ role }) => role),
      ["user", "system"],
    );
  });

  test("without limits has none: -1 and -2 tokens, no seed, no top_k", () => {
    const options = { num_predict: -1, seed: -1, top_k: 0, stop: "" };
    const { maxOutputTokens, sampling, stop } = chat({ messages: [user], options }).conversation;
    assert.deepEqual([maxOutputTokens, sampling, stop], [undefined, {}, []]);
    assert.equal(chat({ messages: [user], options: { seed: 0 } }).conversation.sampling.seed, 0);
  });

  test("tells what it leaves out, and nothing of what says the default", () => {
    const decoded = chat({ messages: [user], logprobs: true, top_logprobs: 3, shift: false, tool_choice: null, x: {} });
    assert.deepEqual(paths(decoded), ["dropped logprobs", "dropped top_logprobs", "dropped x"]);
    const tools = [{ type: "retrieval" }, { function: { name: "f" } }, { function: { name: "f" } }];
    assert.deepEqual(paths(chat({ messages: [user], tools })), ["dropped tools[0]", "dropped tools[2]"]);
    const drawn = { role: "assistant", content: "x", images: ["AAAA"] };
    assert.deepEqual(paths(chat({ messages: [user, drawn] })), ["dropped messages[1].images"]);
  });

  test("keeps arguments that came as a text, such as some clients send, and takes none for an empty object", () => {
    const called = (stated: unknown): unknown => {
      const call = { function: { name: "f", arguments: stated } };
      const { conversation } = chat({ messages: [user, { role: "assistant", content: "", tool_calls: [call] }] });
      const part = conversation.turns[1]?.parts[0];
      return part?.type === "tool_call" ? part.arguments : undefined;
    };
    assert.equal(called('{"a": 1.0}'), '{"a": 1.0}');
    assert.equal(called(undefined), "{}");
    assert.match(
      refusal(() => called([1])),
      /`messages\[1\]\.tool_calls\[0\]\.function\.arguments` must be an object/,
    );
  });

  test("that cannot be read is refused by the path where it is wrong", () => {
    const wrong: readonly (readonly [JsonObject, RegExp])[] = [
      [{}, /the field `messages` is required/],
      [{ messages: "hi" }, /`messages` must be a list/],
      [{ messages: ["hi"] }, /`messages\[0\]` must be an object/],
      [{ messages: [{ content: "x" }] }, /`messages\[0\]\.role` must be a string/],
      [{ messages: [{ role: "wizard", content: "x" }] }, /`messages\[0\]\.role` must be "system"/],
      [{ messages: [{ ...user, content: [{ type: "text" }] }] }, /`messages\[0\]\.content` must be a string/],
      [{ messages: [user], think: "often" }, /`think` must be true, false/],
      [{ messages: [user], format: "yaml" }, /`format` must be "json" or a JSON schema/],
      [{ messages: [user], options: { temperature: "hot" } }, /`options\.temperature` must be a number/],
      [{ messages: [user], options: { stop: [1] } }, /`options\.stop\[0\]` must be a string/],
      [{ messages: [user], tools: [{ function: {} }] }, /`tools\[0\]\.function\.name` must be a string/],
      [{ messages: [user], tools: [{ function: { name: "" } }] }, /must not be empty/],
    ];
    for (const [body, complaint] of wrong)
      assert.match(
        refusal(() => chat(body)),
        complaint,
      );
  });
});

describe("a prompt to /api/generate", () => {
  test("is a chat of one message", () => {
    const decoded = generate(request("generate.json"));
    assert.deepEqual(decoded.echo, { generate: true });
    assert.equal(decoded.conversation.system[0]?.text, "You write captions.");
    assert.deepEqual(
      decoded.conversation.turns.map(({ role, parts }) => [role, ...parts.map(({ type }) => type)]),
      [["user", "image", "text"]],
    );
    assert.deepEqual(decoded.conversation.output, { type: "json" });
    assert.deepEqual(paths(decoded), ["dropped options.min_p", "hint keep_alive"]);
  });

  test("is refused where all of it would mean something else to another model", () => {
    assert.match(
      refusal(() => generate({ prompt: "a", suffix: "b" })),
      /`suffix` asks to fill in a text/,
    );
    assert.match(
      refusal(() => generate({ prompt: "[INST] a", raw: true })),
      /`raw` leaves out/,
    );
    assert.match(
      refusal(() => generate({ prompt: "a", context: [1, 2] })),
      /`context` .* send its messages/,
    );
    assert.match(
      refusal(() => generate({})),
      /the field `prompt` is required/,
    );
    assert.deepEqual(paths(generate({ prompt: "a", template: "{{ .Prompt }}" })), ["dropped template"]);
  });
});
