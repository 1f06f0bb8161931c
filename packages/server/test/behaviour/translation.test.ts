import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate, type Reply } from "../support/gateway.ts";
import { speakers } from "../support/conversations.ts";
import { ask, dialectIds, minimal, modelFor, normalEnd, openStream, requestOf, type DialectId } from "./ask.ts";

/* Every dialect's clients on every other dialect's providers. The simulated providers refuse what the vendors refuse. */

const gate = await openGate();
beforeEach(() => {
  gate.simulator.clear();
  gate.simulator.play([]);
});

const pairs = dialectIds.flatMap((from) => dialectIds.filter((to) => to !== from).map((to) => ({ from, to })));
const rowOf = (reply: { readonly headers: Reply["headers"] }) =>
  gate.admin.call(endpoints.requests.get, { params: { id: String(reply.headers["x-request-id"]) } });
const wire = (reply: Reply) => reply.json() as Readonly<Record<string, unknown>>;
const modelAs = (from: DialectId, to: DialectId): string => (from === "gemini" ? modelFor(to) : modelFor(to));

for (const { from, to } of pairs) {
  const speaker = speakers[from];
  const model = modelAs(from, to);

  describe(`a client of ${from} on a provider that speaks ${to}`, () => {
    test("gets a whole answer, with the counts and in its own dialect", async () => {
      gate.simulator.play([{ script: { text: "It is sunny.", usage: { input: 40, output: 7 } } }]);
      const reply = await ask(gate, from, { model, ...speaker.ask("hello") });
      assert.equal(reply.status, 200, reply.body.toString());
      assert.equal(reply.headers["content-type"], "application/json");
      assert.equal(speaker.text(wire(reply)), "It is sunny.");
      const [input, output] = speaker.usage(wire(reply));
      const row = await rowOf(reply);
      assert.equal(output, row.output_tokens);
      assert.equal(input, row.input_tokens + row.cache_read_tokens + row.cache_write_tokens);
      assert.partialDeepStrictEqual(row, { dialect: from, outcome: "ok", usage_source: "reported" });
    });

    test("runs a tool, and goes on with its result", async () => {
      const input = { city: 'Zürich "Höngg"', days: 3 };
      gate.simulator.play([{ times: 1, script: { toolCalls: [{ name: "get_weather", arguments: input }] } }]);
      const question = { model, ...speaker.ask("weather?") };
      const first = await ask(gate, from, question);
      assert.equal(first.status, 200, first.body.toString());
      const calls = speaker.calls(wire(first));
      assert.deepEqual(
        calls.map((call) => [call.name, call.input]),
        [["get_weather", input]],
      );
      gate.simulator.play([{ times: 1, script: { text: "Rain." } }]);
      const second = await ask(gate, from, speaker.goOn(question, wire(first), "wet and 12 degrees"));
      assert.equal(second.status, 200, second.body.toString());
      assert.equal(speaker.text(wire(second)), "Rain.");
      assert.match(gate.simulator.requests.at(-1)?.body.toString() ?? "", /wet and 12 degrees/);
    });

    test("gets two calls at once, each with its own arguments", async () => {
      const inputs = [{ city: "Rome" }, { city: "Oslo", days: 2 }];
      const toolCalls = inputs.map((each) => ({ name: "get_weather", arguments: each }));
      gate.simulator.play([{ times: 1, script: { toolCalls } }]);
      const question = { model, ...speaker.ask("weather?") };
      const first = await ask(gate, from, question);
      const calls = speaker.calls(wire(first));
      assert.deepEqual(
        calls.map(({ input }) => input),
        inputs,
      );
      const second = await ask(gate, from, speaker.goOn(question, wire(first), "fine"));
      assert.equal(second.status, 200, second.body.toString());
    });

    test("gets a stream with a normal end, and the same counts", async () => {
      gate.simulator.play([{ script: { text: "one two three four five", chunkBytes: 7 } }]);
      const open = await openStream(gate, from, { body: { model, ...speaker.ask("hello") } });
      assert.equal(await open.over, "ended");
      assert.equal(open.status, 200, open.text());
      assert.match(open.text(), normalEnd);
      for (const word of ["one", "two", "three", "four", "five"]) assert.match(open.text(), new RegExp(word));
      const row = await rowOf(open);
      assert.partialDeepStrictEqual(row, { outcome: "ok", stream: true, usage_source: "reported" });
      assert.ok(row.output_tokens > 0);
    });

    for (const script of [
      { drop: "reset", dropAtEvent: 4 },
      { drop: "end", dropAtEvent: 4 },
      { errorAtEvent: 4, status: 500 },
    ] as const) {
      test(`is told that a stream failed: ${JSON.stringify(script)}`, async () => {
        gate.simulator.play([{ script: { text: "some words that are not whole ".repeat(5), ...script } }]);
        const open = await openStream(gate, from, { body: { model, ...speaker.ask("hello") } });
        await open.over;
        assert.doesNotMatch(open.text(), normalEnd);
        assert.match(open.text(), /error|failed/);
        assert.ok(["broken", "upstream_error"].includes((await rowOf(open)).outcome));
      });
    }

    test("is told in its own dialect what the provider refused", async () => {
      for (const [status, expected] of [
        [400, 400],
        [404, 404],
        [429, 429],
        [500, 502],
        [503, from === "anthropic-messages" ? 529 : 503],
      ] as const) {
        gate.simulator.play([{ script: { status, message: "the words of the provider", retryAfterSeconds: 3 } }]);
        const reply = await ask(gate, from, { model });
        assert.equal(reply.status, expected, `${status}: ${reply.body.toString()}`);
        assert.match(reply.body.toString(), /the words of the provider/);
        assert.ok(!reply.body.toString().includes(gate.providerKey));
      }
    });

    test("is not told the provider's key, which an error repeats", async () => {
      gate.simulator.play([{ script: { status: 400, echoKey: true } }]);
      const reply = await ask(gate, from, { model });
      assert.equal(reply.status, 400);
      assert.ok(!reply.body.toString().includes(gate.providerKey), reply.body.toString());
    });

    test("gets an error in place of a page that is none of the dialect's", async () => {
      gate.simulator.play([{ script: { body: "<html>Bad gateway</html>", contentType: "text/html", status: 502 } }]);
      const reply = await ask(gate, from, { model });
      assert.equal(reply.status, 502);
      assert.doesNotMatch(reply.body.toString(), /<html>/);
      gate.simulator.play([{ script: { body: "<html>Hello</html>", contentType: "text/html", status: 200 } }]);
      const odd = await ask(gate, from, { model });
      assert.equal(odd.status, 502, odd.body.toString());
    });

    test("gets the stream that it asked for from a provider that answers whole, and the other way round", async () => {
      gate.simulator.play([{ script: { text: "all at once", json: true } }]);
      const open = await openStream(gate, from, { body: { model, ...speaker.ask("hello") } });
      assert.equal(await open.over, "ended");
      assert.match(open.text(), /all at once/);
      assert.match(open.text(), normalEnd);
    });
  });
}

test("no header of the caller's goes along to a provider of another dialect", async () => {
  const headers = { "anthropic-beta": "context-management-2025-06-27", "x-custom": "mine" };
  await ask(gate, "anthropic-messages", { model: modelFor("openai-chat") }, headers);
  const sent = gate.simulator.requests.at(-1)?.headers.join("\n") ?? "";
  assert.doesNotMatch(sent, /anthropic|x-custom|x-api-key/i);
});

test("what had to be left out is named in a header", async () => {
  const body = { model: modelFor("openai-responses"), top_k: 5, stop_sequences: ["END"] };
  const reply = await ask(gate, "anthropic-messages", body);
  assert.equal(reply.status, 200, reply.body.toString());
  assert.match(String(reply.headers["x-portcullis-dropped"]), /top_k/);
  assert.match(String(reply.headers["x-portcullis-dropped"]), /stop/);
});

test("tokens are counted here where the provider has no counter, and it is said", async () => {
  const { path } = { path: "/v1/messages/count_tokens" };
  const messages = [{ role: "user", content: "word ".repeat(400) }];
  const reply = await gate.post(
    path,
    { model: modelFor("openai-chat"), messages },
    minimal["anthropic-messages"].headers,
  );
  assert.equal(reply.status, 200, reply.body.toString());
  assert.equal(reply.headers["x-portcullis-usage-source"], "estimated");
  const { input_tokens: tokens } = reply.json() as { input_tokens: number };
  assert.ok(tokens > 400 && tokens < 700, String(tokens));
  assert.equal(gate.simulator.requests.length, 0);
});

test("a request that is large is translated without holding up the others", async () => {
  const { body } = requestOf("anthropic-messages", { model: modelFor("openai-chat") });
  const messages = [{ role: "user", content: "many words ".repeat(300_000) }];
  const reply = await gate.post("/v1/messages", { ...body, messages }, minimal["anthropic-messages"].headers);
  assert.equal(reply.status, 200, reply.body.toString().slice(0, 300));
  assert.ok((gate.simulator.requests.at(-1)?.body.length ?? 0) > 3_000_000);
});

test("what translation would leave out is told beforehand, without calling anyone", async () => {
  const request = { max_tokens: 10, top_k: 3, messages: [{ role: "user", content: "hello" }] };
  const input = { model: modelFor("openai-responses"), dialect: "anthropic-messages", request } as const;
  const found = await gate.admin.call(endpoints.routes.explain, { input });
  assert.equal(found.translated, true);
  assert.deepEqual(
    found.losses?.find(({ path }) => path === "top_k"),
    { path: "top_k", kind: "dropped", why: found.losses?.find(({ path }) => path === "top_k")?.why },
  );
  assert.equal(gate.simulator.requests.length, 0);
});
