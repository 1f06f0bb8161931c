import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { before, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate, send, simulated, type Gate } from "../support/gateway.ts";

/** A minimal request for each dialect. */
const requests = {
  "anthropic-messages": {
    path: "/v1/messages",
    body: { max_tokens: 200, messages: [{ role: "user", content: "hello" }] },
    headers: { "anthropic-version": "2023-06-01" },
  },
  "openai-chat": {
    path: "/v1/chat/completions",
    body: { messages: [{ role: "user", content: "hello" }] },
    headers: {},
  },
  "openai-responses": { path: "/v1/responses", body: { input: "hello" }, headers: {} },
} as const;

type DialectId = keyof typeof requests;
const dialectIds = Object.keys(requests) as DialectId[];

describe("forwarding", () => {
  let gate: Gate;
  before(async () => {
    gate = await openGate();
  });

  const ask = (dialect: DialectId, body: object = {}, headers: Record<string, string | null> = {}) => {
    const { path, body: base, headers: needed } = requests[dialect];
    return gate.post(path, { model: `${simulated[dialect]}/test-model`, ...base, ...body }, { ...needed, ...headers });
  };
  const lastRequest = () => {
    const last = gate.simulator.requests.at(-1);
    assert.ok(last);
    return last;
  };

  for (const dialect of dialectIds) {
    test(`a request gets its reply, whole and streamed (${dialect})`, async () => {
      const whole = await ask(dialect);
      assert.equal(whole.status, 200, whole.body.toString());
      assert.equal(whole.headers["x-portcullis-provider"], simulated[dialect]);
      assert.match(String(whole.headers["x-portcullis-input-tokens"]), /^[1-9]\d*$/);
      const stream = await ask(dialect, { stream: true });
      assert.equal(stream.status, 200);
      assert.match(String(stream.headers["content-type"]), /^text\/event-stream/);
      assert.match(
        stream.body.toString(),
        dialect === "openai-chat" ? /data: \[DONE\]/ : /event: (message_stop|response\.completed)/,
      );
    });

    test(`the provider gets the caller's bytes with its own model name, and its own key (${dialect})`, async () => {
      const { path, body, headers } = requests[dialect];
      const odd = `{"x_unknown" : [1, 2.50, "\\u00e9\\ud83d\\ude00 ü"],\t"model" :"${simulated[dialect]}/test-model", ${JSON.stringify(body).slice(1)}`;
      const reply = await gate.post(path, {}, { ...headers, "x-simulator": JSON.stringify({ lenient: true }) });
      assert.equal(reply.status, 400, "an empty object has no model");
      const answered = await send(
        gate.url + path,
        "POST",
        gate.key,
        {
          ...headers,
          "x-simulator": '{"lenient":true}',
          "x-custom": "kept",
          "anthropic-beta": "a-1,b-2",
          cookie: "session=1",
        },
        odd,
      );
      assert.equal(answered.status, 200, answered.body.toString());
      const { body: sent, headers: raw } = lastRequest();
      assert.equal(sent.toString(), odd.replace(`${simulated[dialect]}/test-model`, "test-model"));
      const text = raw.join("\n").toLowerCase();
      assert.ok(text.includes(gate.providerKey.toLowerCase()));
      assert.ok(text.includes("x-custom\nkept") && text.includes("anthropic-beta\na-1,b-2"));
      assert.ok(!text.includes(gate.key) && !text.includes("cookie"), "nothing of the caller's own goes along");
    });
  }

  test("every authentication header is taken, with no preference (B57)", async () => {
    for (const name of ["x-api-key", "x-goog-api-key", "api-key"]) {
      assert.equal((await ask("openai-chat", {}, { authorization: null, [name]: gate.key })).status, 200, name);
      assert.equal(
        (await ask("openai-chat", {}, { authorization: "Bearer sk-foreign", [name]: gate.key })).status,
        200,
        name,
      );
    }
    assert.equal((await ask("openai-chat", {}, { "x-api-key": "sk-foreign" })).status, 200);
  });

  test("the query goes along", async () => {
    const { path, body, headers } = requests["anthropic-messages"];
    await gate.post(`${path}?beta=true`, { model: "sim-anthropic/m", ...body }, headers);
    assert.match(lastRequest().path, /\?beta=true$/);
  });

  test("usage asked for on the gateway's own account does not show in the caller's stream", async () => {
    const plain = await ask("openai-chat", { stream: true });
    assert.ok(!plain.body.toString().includes('"choices":[]'));
    const own = await ask("openai-chat", { stream: true, stream_options: { include_usage: true } });
    assert.ok(own.body.toString().includes('"choices":[]'));
    const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 2 } });
    assert.deepEqual(
      data.map((row) => row.usage_source),
      ["reported", "reported"],
    );
  });

  test("an upstream's error comes back unchanged, status and words", async () => {
    const reply = await ask(
      "anthropic-messages",
      {},
      { "x-simulator": '{"status":529,"message":"word for word","retry_after_seconds":3}' },
    );
    assert.equal(reply.status, 529);
    assert.equal(reply.headers["retry-after"], "3");
    const body = reply.json() as { error: object };
    assert.deepEqual(body.error, { type: "overloaded_error", message: "word for word" });
  });

  test("an upstream that repeats the key in an error has it blotted out", async () => {
    const reply = await ask("openai-chat", {}, { "x-simulator": '{"status":400,"echo_key":true}' });
    assert.equal(reply.status, 400);
    assert.ok(!reply.body.toString().includes(gate.providerKey));
    assert.ok(reply.body.toString().includes("[redacted]"));
  });

  test("a refused provider key, a redirect and an error page become errors of the caller's dialect", async () => {
    const cases = [
      ['{"status":401}', 502, "upstream_auth"],
      ['{"redirect":"http://127.0.0.1:9/"}', 502, "upstream_redirected"],
      ['{"status":502,"body":"<html>bad gateway</html>","content_type":"text/html"}', 502, "upstream_error"],
      ['{"drop":"reset","drop_at_byte":0}', 502, "upstream_broke"],
    ] as const;
    for (const [script, status, code] of cases) {
      const reply = await ask("openai-chat", {}, { "x-simulator": script });
      const body = reply.json() as { error: { code: string; message: string } };
      assert.equal(reply.status, status, script);
      assert.equal(body.error.code, code, script);
    }
  });

  test("a plain reply too large to hold that breaks off is cut, and not ended as if it were whole", async () => {
    const script = JSON.stringify({ text_bytes: 8_000_000, drop: "close", drop_at_byte: 7_000_000 });
    await assert.rejects(ask("openai-chat", {}, { "x-simulator": script }));
    const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
    assert.equal(data[0]?.outcome, "broken");
  });

  test("one that is reset is cut or, if what was too much to hold went with the reset, an error", async () => {
    const script = JSON.stringify({ text_bytes: 8_000_000, drop: "reset", drop_at_byte: 7_000_000 });
    const status = await ask("openai-chat", {}, { "x-simulator": script }).then(
      (reply) => reply.status,
      () => "cut",
    );
    assert.ok(status === "cut" || status === 502, String(status));
    const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
    assert.equal(data[0]?.outcome, "broken");
    assert.equal(data[0]?.error_code, "upstream_broke");
  });

  test("an error past every size is still an error, and costs nothing", async () => {
    const body = JSON.stringify({ error: { message: "x".repeat(5_000_000) } });
    const raw = createServer((request, response) => {
      request.resume();
      request.on("end", () => response.writeHead(500, { "content-type": "application/json" }).end(body));
    });
    await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
    const { port } = raw.address() as AddressInfo;
    await gate.admin.call(endpoints.providers.create, {
      input: { id: "large", dialect: "openai-chat", base_url: `http://127.0.0.1:${port}`, allow_private: true },
    });
    const reply = await gate.post("/v1/chat/completions", { model: "large/m", messages: [] });
    raw.close();
    assert.equal(reply.status, 500);
    assert.equal(reply.body.toString(), body);
    const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
    assert.equal(data[0]?.outcome, "upstream_error");
    assert.equal(data[0]?.cost_micros, 0);
  });

  for (const dialect of dialectIds) {
    test(`a stream that breaks off ends with an error event, never with a normal end (${dialect})`, async () => {
      for (const script of [
        { drop: "reset", drop_at_event: 4 },
        { drop: "close", drop_at_byte: 300 },
      ]) {
        const reply = await ask(
          dialect,
          { stream: true },
          { "x-simulator": JSON.stringify({ ...script, writes: "event" }) },
        );
        const text = reply.body.toString();
        assert.match(text, /upstream_broke|broke off/, text.slice(-300));
        assert.ok(!/\[DONE\]|message_stop|response\.completed/.test(text));
        const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
        assert.equal(data[0]?.outcome, "broken");
        assert.equal(data[0]?.usage_source, "estimated");
      }
    });
  }
});
