import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { databases } from "../support/databases.ts";
import { openGate, send, type Gate, type Reply } from "../support/gateway.ts";

/* The secrets daemon's addresses, as programs written for it call them. */

type Body = Record<string, unknown>;

const goodKey = "sk-provider-canary-0123456789abcdef";
const badKey = "sk-not-the-providers-key-0123456789";

function caller(gate: Gate) {
  const token = gate.gateway.adminToken.reveal();
  return (method: string, path: string, body?: object, headers: Record<string, string | null> = {}): Promise<Reply> =>
    send(gate.gateway.adminUrl + path, method, token, headers, body === undefined ? undefined : JSON.stringify(body));
}

async function answered(status: number, reply: Promise<Reply>): Promise<Body> {
  const { status: got, body } = await reply;
  assert.equal(got, status, body.toString());
  return JSON.parse(body.toString()) as Body;
}

for (const database of databases) {
  describe(`secrets daemon (${database.name})`, { skip: database.skip }, async () => {
    const gate = await openGate({ storageUrl: await database.create("empty") });
    const call = caller(gate);
    const credentials = async (provider: string) =>
      (await gate.admin.call(endpoints.credentials.list, { query: { provider } })).data;
    const removeAll = (provider: string) => call("DELETE", `/credentials/${provider}`);

    test("health needs no token and says version and time", async () => {
      const { status, version, timestamp, ...rest } = await answered(
        200,
        call("GET", "/health", undefined, { authorization: null }),
      );
      assert.deepEqual([status, typeof version, rest], ["ok", "string", {}]);
      assert.ok(Math.abs(Date.parse(String(timestamp)) - Date.now()) < 60_000);
    });

    test("providers are listed with what they have, at both addresses", async () => {
      for (const path of ["/providers", "/secrets/providers"]) {
        const { providers } = (await answered(200, call("GET", path))) as { providers: Body[] };
        const named = (id: string) => providers.find((provider) => provider["id"] === id);
        assert.deepEqual(Object.keys(named("openai") ?? {}), ["id", "name", "base_url", "has_key", "last_tested"]);
        assert.deepEqual([named("openai")?.["has_key"], named("sim-chat")?.["has_key"]], [false, true]);
      }
    });

    test("a key is tested before it is stored, and one that the provider refuses is not", async () => {
      await removeAll("sim-chat");
      const refused = await call("POST", "/credentials/sim-chat", { api_key: badKey });
      assert.equal(refused.status, 400);
      assert.match(String((refused.json() as Body)["detail"]), /key/, "the daemon's clients read `detail`");
      assert.deepEqual(await credentials("sim-chat"), []);
      const stored = await answered(
        200,
        call("POST", "/credentials/sim-chat", { api_key: goodKey, metadata: { label: "laptop", editor: "vscode" } }),
      );
      assert.deepEqual([stored["provider"], stored["masked_key"]], ["sim-chat", "********cdef"]);
      const [only, ...others] = await credentials("sim-chat");
      assert.deepEqual([only?.label, only?.test_ok, others], ["laptop", true, []]);
      const { providers } = (await answered(200, call("GET", "/providers"))) as { providers: Body[] };
      assert.equal(typeof providers.find(({ id }) => id === "sim-chat")?.["last_tested"], "string");
    });

    test("?validate=false stores without asking", async () => {
      await removeAll("sim-chat");
      const asked = gate.simulator.stats().requests;
      await answered(200, call("POST", "/credentials/sim-chat?validate=false", { api_key: badKey }));
      assert.equal(gate.simulator.stats().requests, asked);
      assert.equal((await credentials("sim-chat"))[0]?.test_ok, null);
      assert.equal((await call("POST", "/credentials/sim-chat?validate=maybe", { api_key: badKey })).status, 400);
    });

    test("storing again replaces the key and leaves the others of the provider alone", async () => {
      await removeAll("sim-chat");
      const add = (value: string, label: string) =>
        gate.admin.call(endpoints.credentials.create, { input: { provider: "sim-chat", value, label } });
      const team = await add("sk-team-0123456789", "team");
      const first = await answered(200, call("POST", "/credentials/sim-chat", { api_key: goodKey }));
      assert.equal(first["id"], team.id, "the only key there is");
      const other = await add("sk-other-0123456789", "other");
      const second = await answered(
        200,
        call("POST", "/credentials/sim-chat", { api_key: goodKey, metadata: { label: "other" } }),
      );
      assert.equal(second["id"], other.id);
      const third = await answered(
        200,
        call("POST", "/credentials/sim-chat?validate=false", { api_key: badKey, metadata: { label: "third" } }),
      );
      assert.deepEqual(
        (await credentials("sim-chat")).map(({ id, label, last_four }) => [id, label, last_four]),
        [
          [team.id, "team", "cdef"],
          [other.id, "other", "cdef"],
          [third["id"], "third", "6789"],
        ],
      );
    });

    test("a key is shown masked, and in clear to nobody unless the configuration says so", async () => {
      await removeAll("sim-chat");
      await answered(200, call("POST", "/credentials/sim-chat", { api_key: goodKey }));
      const shown = await call("GET", "/credentials/sim-chat");
      const { masked_key, api_key, metadata } = shown.json() as Body & { metadata: Body };
      assert.deepEqual([masked_key, api_key, metadata["label"]], ["********cdef", null, "default"]);
      assert.ok(!shown.body.includes(goodKey));
      assert.equal((await call("GET", "/credentials/groq")).status, 404);
      assert.equal((await call("GET", "/credentials/no-such-provider")).status, 404);
    });

    test("a test takes the given key, else the stored one, and its failure is a result", async () => {
      await answered(200, call("POST", "/credentials/sim-chat", { api_key: goodKey }));
      for (const [path, body] of [
        ["/providers/sim-chat/test", { api_key: goodKey }],
        ["/providers/sim-chat/test", {}],
        ["/test/provider/sim-chat", undefined],
      ] as const) {
        const { success, error_message, provider_status } = await answered(200, call("POST", path, body));
        assert.deepEqual([success, error_message], [true, null]);
        assert.match(String(provider_status), /^OK, \d+ models$/);
      }
      const bad = await answered(200, call("POST", "/providers/sim-chat/test", { api_key: badKey }));
      assert.deepEqual([bad["success"], typeof bad["error_message"]], [false, "string"]);
      const none = await answered(200, call("POST", "/test/provider/groq"));
      assert.deepEqual([none["success"], none["error_message"]], [false, "there is no key stored for groq"]);
      assert.equal((await call("POST", "/test/provider/no-such-provider")).status, 404);
    });

    test("its own older spellings store without a test and delete", async () => {
      await answered(200, call("PUT", "/secrets/provider/sim-chat", { api_key: badKey, metadata: null }));
      assert.equal((await credentials("sim-chat"))[0]?.last_four, "6789");
      await answered(200, call("DELETE", "/secrets/provider/sim-chat"));
      assert.deepEqual(await credentials("sim-chat"), []);
      assert.equal((await call("DELETE", "/secrets/provider/sim-chat")).status, 404);
    });

    test("a replaced key is the one that requests use", async () => {
      const ask = () =>
        gate.post("/v1/chat/completions", { model: "sim-chat/m", messages: [{ role: "user", content: "x" }] });
      await answered(200, call("POST", "/credentials/sim-chat?validate=false", { api_key: badKey }));
      assert.notEqual((await ask()).status, 200);
      await answered(200, call("POST", "/credentials/sim-chat", { api_key: goodKey }));
      assert.equal((await ask()).status, 200);
    });

    test("each change is in the audit log, without a key", async () => {
      const { data } = await gate.admin.call(endpoints.audit.list, { query: { limit: 100 } });
      const stored = data.find(({ action }) => action === "daemon.store");
      assert.deepEqual([stored?.target, stored?.detail], ["sim-chat", { api_key: "[not recorded]" }]);
      assert.ok(data.some(({ action, target }) => action === "daemon.removeOf" && target === "sim-chat"));
      assert.ok(!JSON.stringify(data).includes("0123456789"));
    });
  });
}

test("where the configuration says so, an admin on this machine sees the key, and the audit log has that", async () => {
  const gate = await openGate({ config: "vault: { reveal: true }\n" });
  const call = caller(gate);
  const seen = async (headers: Record<string, string | null> = {}) =>
    (await answered(200, call("GET", "/credentials/sim-chat", undefined, headers)))["api_key"];
  assert.equal(await seen(), goodKey);
  assert.equal(await seen({ "x-forwarded-for": "10.0.0.1" }), null);
  assert.equal(
    (await call("GET", "/credentials/sim-chat", undefined, { authorization: `Bearer ${gate.key}` })).status,
    401,
  );
  const { data } = await gate.admin.call(endpoints.audit.list, { query: { limit: 10 } });
  const [credential] = (await gate.admin.call(endpoints.credentials.list, { query: { provider: "sim-chat" } })).data;
  const shown = data.filter(({ action }) => action === "credentials.revealed");
  assert.deepEqual(
    shown.map(({ target }) => target),
    [credential?.id],
  );
});

test("a key's own passthrough does not reach past these addresses", async () => {
  const gate = await openGate();
  const { key } = await gate.createKey({ passthrough: ["sim-chat"] });
  const ask = (path: string) => gate.post(path, {}, { authorization: `Bearer ${key}` });
  assert.equal((await ask("/providers/sim-chat/test")).status, 401, "the admin plane's");
  const asked = gate.simulator.stats().requests;
  await ask("/providers/sim-chat/test/more");
  assert.equal(gate.simulator.stats().requests, asked + 1, "the provider's");
});
