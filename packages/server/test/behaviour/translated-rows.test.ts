import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { databases } from "../support/databases.ts";
import { openGate, type Reply } from "../support/gateway.ts";
import { ask, modelFor, requestOf } from "./ask.ts";

/* What a request's record tells of its translation. */

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

for (const database of databases) {
  describe(`what translation did is in the record (${database.name})`, { skip: database.skip }, async () => {
    const gate = await openGate({
      storageUrl: await database.create("empty"),
      config: "routes:\n  strict: { target: sim-responses/test-model, lossy: deny }\n",
    });
    const idOf = (reply: Reply): string => String(reply.headers["x-request-id"]);
    const rowOf = (reply: Reply) => gate.admin.call(endpoints.requests.get, { params: { id: idOf(reply) } });
    const list = async (translated?: "true" | "false") => {
      const query = { ...(translated !== undefined && { translated }) };
      return (await gate.admin.call(endpoints.requests.list, { query })).data.map((row) => row.request_id);
    };

    test("of a translated request: in what the provider was asked, and what was left out, but for keys", async () => {
      const key = "sk-canary-0123456789abcdef0123456789";
      const body = { model: modelFor("openai-responses"), top_k: 5, [key]: true };
      const reply = await ask(gate, "anthropic-messages", body);
      assert.equal(reply.status, 200, reply.body.toString());
      const row = await rowOf(reply);
      assert.deepEqual([row.dialect, row.upstream_dialect], ["anthropic-messages", "openai-responses"]);
      assert.ok(row.dropped?.some(({ path, kind }) => path === "top_k" && kind === "dropped"));
      assert.ok(row.dropped?.some(({ path }) => path === "[redacted]"));
      assert.equal(JSON.stringify(row).includes("canary"), false);
      assert.deepEqual([await list("true"), (await list("false")).includes(row.request_id)], [[row.request_id], false]);
    });

    test("of one that was not: the caller's own dialect, and nothing left out", async () => {
      const reply = await ask(gate, "openai-chat", { model: modelFor("openai-chat"), top_k: 5 });
      const row = await rowOf(reply);
      assert.deepEqual([row.upstream_dialect, row.dropped], ["openai-chat", null]);
      assert.deepEqual([(await list("true")).includes(idOf(reply)), (await list("false"))[0]], [false, idOf(reply)]);
    });

    test("of one to a provider's own address: nothing, since nothing is known of what is said there", async () => {
      const { key } = await gate.createKey({ passthrough: ["sim-responses"] });
      const reply = await gate.post("/providers/sim-responses/v1/responses", { model: "m", input: "x" }, bearer(key));
      const row = await rowOf(reply);
      assert.deepEqual([row.attempts, row.upstream_dialect, row.dropped], [1, null, null]);
      assert.equal((await list("true")).includes(row.request_id), false);
    });

    test("of one that was refused for its losses: what they were, and that nobody was asked", async () => {
      const reply = await ask(gate, "anthropic-messages", { model: "strict", top_k: 5 });
      assert.equal(reply.status, 400, reply.body.toString());
      const row = await rowOf(reply);
      assert.deepEqual([row.error_code, row.upstream_dialect, row.attempts], ["translation_lossy", null, 0]);
      assert.ok(row.dropped?.some(({ path }) => path === "top_k"));
      assert.equal((await list("true")).includes(row.request_id), false);
    });

    test("of more than there is room for: the first, and how many more", async () => {
      const { body } = requestOf("anthropic-messages", { model: modelFor("openai-responses") });
      const fields = Array.from({ length: 200 }, (_, index) => [`a_field_that_nobody_knows_${index}`, 1]);
      const reply = await ask(gate, "anthropic-messages", { ...body, ...Object.fromEntries(fields) });
      const { dropped } = await rowOf(reply);
      assert.match(dropped?.at(-1)?.path ?? "", /^and 1\d\d more$/);
      assert.equal(dropped?.at(-1)?.kind, "more");
    });
  });
}
