import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { endpoints, type RequestRow } from "@portcullis/contract";
import { openGate, type Gate, type Reply } from "../support/gateway.ts";
import { modelFor } from "./ask.ts";

/*
 * A provider of another dialect that answers what no provider should. What the caller reads is of its own dialect, says what
 * happened and never the provider's key; the row says the same; and the gateway goes on.
 */

type Answer = (response: ServerResponse) => void;
let answer: Answer = (response) => response.end("{}");
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    answer(response);
  });
});
let gate: Gate;
/** With letters that JSON writes as they are. */
const key = "sk-hostile-0123456789abcdefghij";

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  gate = await openGate({ logLevel: "error" });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const input = { id: "hostile", dialect: "openai-chat", base_url: url, allow_private: true, api_key: key } as const;
  await gate.admin.call(endpoints.providers.create, { input });
});
after(() => server.close());
beforeEach(() => gate.logLines.splice(0));

const question = { model: "hostile/m", max_tokens: 50, messages: [{ role: "user", content: "hello" }] };

function meet(does: Answer, asked: object = {}): Promise<Reply> {
  answer = does;
  return gate.post("/v1/messages", { ...question, ...asked });
}

const json =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };

const events =
  (...documents: readonly (object | string)[]): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const each of documents) response.write(`data: ${typeof each === "string" ? each : JSON.stringify(each)}\n\n`);
    response.end();
  };

const delta = (part: object, finish: string | null = null): object => ({
  choices: [{ index: 0, delta: part, finish_reason: finish }],
});
const chatReply = (message: object, finish = "stop", usage?: object): object => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finish }],
  usage: usage ?? { prompt_tokens: 5, completion_tokens: 2 },
});

async function rowOf(reply: Reply): Promise<RequestRow> {
  await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } }); // waits for what is not settled yet
  return gate.admin.call(endpoints.requests.get, { params: { id: String(reply.headers["x-request-id"]) } });
}

interface Told {
  readonly type: string;
  readonly error: { readonly type: string; readonly message: string };
}
const told = (reply: Reply): Told => reply.json() as Told;

/** Long enough to tell whose key it is. */
const someOfKey = key.slice(0, 10);
function assertNoKey(reply: Reply): void {
  const seen = [reply.body.toString(), JSON.stringify(reply.headers), ...gate.logLines].join("\n");
  assert.ok(!seen.includes(someOfKey), seen);
}

describe("words that every object has", () => {
  for (const word of ["constructor", "__proto__", "toString"]) {
    test(`as the code of an error (${word}) are like any unknown one`, async () => {
      const body = `{"error":{"message":"odd","code":"${word}","type":"${word}"}}`;
      const reply = await meet(json(400, body));
      assert.equal(reply.status, 400, reply.body.toString());
      assert.match(told(reply).error.message, /odd/);
      assert.equal((await rowOf(reply)).error_code, "upstream_rejected");
    });

    test(`as the end of an answer (${word}) are like any unknown one`, async () => {
      const whole = await meet(json(200, chatReply({ content: "hi" }, word)));
      assert.partialDeepStrictEqual(whole.json(), { content: [{ text: "hi" }], stop_reason: "end_turn" });
      const streamed = await meet(events(delta({ content: "hi" }), delta({}, word), "[DONE]"), { stream: true });
      assert.match(streamed.body.toString(), /"stop_reason":"end_turn"[^]*message_stop/);
    });
  }
});

describe("the provider's key in what it says", () => {
  test("is not shown where an error's words are cut within it", async () => {
    for (let length = 1_975; length < 2_000; length += 6) {
      const reply = await meet(json(400, { error: { message: `${"x".repeat(length)}${key} is wrong` } }));
      assert.equal(reply.status, 400);
      assert.ok(reply.body.length > 1_000);
      assertNoKey(reply);
    }
  });

  test("is not shown, whatever the error is: JSON with escapes, a text, a page, no JSON at all", async () => {
    const escaped = key.replace("h", "\\u0068");
    const bodies = [
      `{"error":{"message":"the key ${escaped} is wrong"}}`,
      `{"error":"the key ${key} is wrong"}`,
      `{"detail":[{"msg":"the key ${key} is wrong"}]}`,
      `<html>the key ${key} is wrong</html>`,
      `the key ${key}`,
    ];
    for (const body of bodies) for (const status of [400, 403, 500]) assertNoKey(await meet(json(status, body)));
  });

  test("is not shown in an answer, whole or gathered from pieces, nor in its name, its calls or the counts", async () => {
    const calls = [{ id: key, type: "function", function: { name: key, arguments: JSON.stringify({ key }) } }];
    assertNoKey(await meet(json(200, chatReply({ content: `it is ${key}`, tool_calls: calls }, key))));
    const pieces = [key.slice(0, 9), key.slice(9, 20), key.slice(20)].map((content) => delta({ content }));
    assertNoKey(await meet(events(...pieces, delta({}, "stop"), "[DONE]")));
    assertNoKey(await meet(events(delta({ content: `it is ${key}` }), delta({}, "stop"), "[DONE]"), { stream: true }));
    const failing = events(delta({ content: "a" }), { error: { message: `${"x".repeat(1_980)}${key}` } });
    assertNoKey(await meet(failing, { stream: true }));
    assertNoKey(await meet(failing));
  });

  test("is not shown in headers, and none of the provider's own go on", async () => {
    const headers = { "x-echo": key, "set-cookie": "a=b", "openai-organization": "org-1", "retry-after": key };
    const reply = await meet(json(429, { error: { message: "slow" } }, headers));
    assertNoKey(reply);
    assert.deepEqual([reply.headers["set-cookie"], reply.headers["openai-organization"]], [undefined, undefined]);
  });
});

describe("frames of its own", () => {
  const forged = 'x"}\n\nevent: error\ndata: {"type":"error","error":{"message":"forged"}}\n\n';
  const line = (reply: Reply): readonly string[] => reply.body.toString().split(/\r\n|\r|\n/);

  test("cannot be made by line breaks in texts, ids and names", async () => {
    for (const odd of [forged, forged.replaceAll("\n", "\r"), forged.replaceAll("\n", "\r\n")]) {
      const call = { index: 0, id: odd, function: { name: odd, arguments: JSON.stringify({ odd }) } };
      const reply = await meet(
        events(
          { id: odd, model: odd, ...delta({ content: odd }) },
          delta({ tool_calls: [call] }),
          delta({}, odd),
          "[DONE]",
        ),
        { stream: true },
      );
      assert.equal(line(reply).filter((each) => each.startsWith("event: error")).length, 0);
      for (const each of line(reply)) assert.match(each, /^(?:event: [a-z_]+|data: \{.*\}|)$/);
    }
  });

  test("cannot be made by the words of an error", async () => {
    const reply = await meet(events(delta({ content: "a" }), { error: { message: forged } }), { stream: true });
    assert.equal(line(reply).filter((each) => each.startsWith("event: error")).length, 1);
  });
});

test("a wait that makes no sense is not told, and one that is a date is", async () => {
  const wait = async (value: string) =>
    (await meet(json(429, { error: { message: "slow" } }, { "retry-after": value }))).headers["retry-after"];
  assert.equal(await wait("12"), "12");
  assert.ok(Number(await wait(new Date(Date.now() + 60_000).toUTCString())) <= 60);
  assert.match(String(await wait("999999999")), /^86400$/);
  const unstated = await wait("soon");
  for (const odd of ["1e300", "-1", "Infinity", "0x10"]) assert.equal(await wait(odd), unstated, odd);
});

test("counts that make no sense cost nothing that is not a number", async () => {
  for (const odd of [-5, 1e308, "7", null, {}, 1.5]) {
    const usage = { prompt_tokens: odd, completion_tokens: odd, prompt_tokens_details: { cached_tokens: odd } };
    const reply = await meet(json(200, chatReply({ content: "hi" }, "stop", usage)));
    assert.equal(reply.status, 200, String(odd));
    const { usage: shown } = reply.json() as { readonly usage: Readonly<Record<string, unknown>> };
    for (const field of ["input_tokens", "output_tokens"])
      assert.ok(Number.isSafeInteger(shown[field]) && Number(shown[field]) >= 0, `${field} of ${String(odd)}`);
    const row = await rowOf(reply);
    assert.ok(row.input_tokens >= 0 && row.output_tokens >= 0 && (row.cost_micros === null || row.cost_micros >= 0));
  }
});

test("a reply that came packed, though nobody asked for it, is read", async () => {
  const packed: Answer = (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    response.end(gzipSync(JSON.stringify(chatReply({ content: "hi" }))));
  };
  assert.partialDeepStrictEqual((await meet(packed)).json(), { content: [{ text: "hi" }] });
});

test("what is no reply at all is an error: another type, empty, a list, a page, a redirect", async () => {
  const answers: readonly Answer[] = [
    json(200, ""),
    json(200, "[]"),
    json(200, "null"),
    json(200, "{"),
    json(200, "<html>hello</html>", { "content-type": "text/html" }),
    json(302, "", { location: "http://169.254.169.254/" }),
    json(204, ""),
    events(),
    events("[DONE]"),
    events("{"),
  ];
  for (const [index, each] of answers.entries())
    for (const stream of [false, true]) {
      const reply = await meet(each, { stream });
      const text = reply.body.toString();
      assert.ok(reply.status >= 500 || /event: error/.test(text), `${index} ${stream}: ${reply.status} ${text}`);
      assert.ok(!text.includes("message_stop"), `${index} ${stream}: ${text}`);
      assert.notEqual((await rowOf(reply)).outcome, "ok");
    }
});

test("a large conversation in the provider's own dialect goes on without another's envelope, and with all else", async () => {
  const words = "many words ".repeat(60_000);
  const details = [
    { type: "reasoning.encrypted", data: `${Buffer.from("\u00b5pcls1", "latin1").toString("base64")}AAAA` },
  ];
  const messages = [
    { role: "user", content: words },
    { role: "assistant", content: "well", reasoning_details: details },
    { role: "user", content: "go on" },
  ];
  const reply = await gate.post("/v1/chat/completions", { model: modelFor("openai-chat"), messages });
  assert.equal(reply.status, 200, reply.body.toString());
  const sent = JSON.parse(String(gate.simulator.requests.at(-1)?.body)) as { readonly messages: unknown };
  assert.deepEqual(sent.messages, [messages[0], { role: "assistant", content: "well" }, messages[2]]);
});

test("a name that cannot stand in an address is refused, and not our fault", async () => {
  for (const odd of ["../x", "a//b", "\ud800"]) {
    const reply = await gate.post("/v1/messages", { ...question, model: `sim-gemini/${odd}` });
    assert.ok(reply.status >= 400 && reply.status < 500, `${JSON.stringify(odd)}: ${reply.status}`);
  }
});

test("it still answers", async () => {
  const reply = await meet(json(200, chatReply({ content: "hi" })));
  assert.equal(reply.status, 200);
});
