import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { databases } from "../support/databases.ts";
import { openGate, send, type Reply } from "../support/gateway.ts";

/* The admin API as scripts use it: plain HTTP, the documented addresses and fields, on both databases. */

for (const database of databases) {
  describe(`admin API (${database.name})`, { skip: database.skip }, async () => {
    const gate = await openGate({ storageUrl: await database.create("empty") });
    const token = gate.gateway.adminToken.reveal();
    const call = (
      method: string,
      path: string,
      body?: unknown,
      headers: Record<string, string | null> = {},
    ): Promise<Reply> =>
      send(`${gate.url}/api/v1${path}`, method, token, headers, body === undefined ? undefined : JSON.stringify(body));
    type Fields = Record<string, unknown>;
    const ok = async (status: number, reply: Promise<Reply>): Promise<Fields> => {
      const got = await reply;
      assert.equal(got.status, status, got.body.toString());
      return got.body.length === 0 ? {} : (got.json() as Fields);
    };
    const refused = async (status: number, code: string, reply: Promise<Reply>): Promise<void> => {
      const got = await reply;
      assert.equal(got.status, status, got.body.toString());
      assert.equal(got.headers["content-type"], "application/problem+json");
      const problem = got.json() as Fields;
      assert.equal(problem["code"], code);
      assert.equal(problem["status"], status);
      assert.ok(typeof problem["request_id"] === "string" && typeof problem["detail"] === "string");
    };

    test("nothing is answered without an admin's token", async () => {
      for (const headers of [
        { authorization: null },
        { authorization: "Bearer wrong" },
        { authorization: `Bearer ${gate.key}` },
        { authorization: token },
      ]) {
        await refused(401, "admin_required", call("GET", "/providers", undefined, headers));
        await refused(401, "admin_required", call("POST", "/keys", {}, headers));
      }
      assert.equal(
        (await call("GET", "/providers", undefined, { authorization: null, "x-api-key": token })).status,
        200,
      );
    });

    test("providers: the list, create, change, delete, as other software already calls them", async () => {
      const list = (await (await call("GET", "/providers")).json()) as Fields[];
      const openai = list.find((provider) => provider["id"] === "openai");
      const fields = [
        "base_url",
        "created_at",
        "custom",
        "dialect",
        "display_name",
        "has_api_key",
        "health",
        "id",
        "models",
        "name",
        "updated_at",
      ];
      for (const field of fields) assert.ok(openai !== undefined && field in openai, field);
      const created = await ok(
        201,
        call("POST", "/providers", {
          name: "mine",
          display_name: "Mine",
          base_url: "https://llm.example.com/v1",
          api_key: "sk-mine-0123456789",
          models: "a, b",
        }),
      );
      assert.deepEqual(
        (created["models"] as Fields[]).map((model) => model["name"]),
        ["a", "b"],
      );
      assert.equal(created["has_api_key"], true);
      assert.equal(created["base_url"], "https://llm.example.com");
      assert.ok(!JSON.stringify(created).includes("sk-mine"));
      await refused(
        409,
        "provider_exists",
        call("POST", "/providers", { name: "mine", base_url: "https://x.example.com" }),
      );
      await refused(
        409,
        "provider_exists",
        call("POST", "/providers", { name: "openai", base_url: "https://x.example.com" }),
      );
      const withKeys = (await (await call("GET", "/providers/with-keys")).json()) as Fields[];
      assert.ok(
        withKeys.some((provider) => provider["id"] === "mine") &&
          !withKeys.some((provider) => provider["id"] === "openai"),
      );
      assert.equal((await ok(200, call("PUT", "/providers/mine", { display_name: "Ours" })))["display_name"], "Ours");
      await refused(
        409,
        "key_reentry_needed",
        call("PUT", "/providers/mine", { base_url: "https://other.example.com" }),
      );
      await ok(
        200,
        call("PUT", "/providers/mine", { base_url: "https://other.example.com", api_key: "sk-again-0123456789" }),
      );
      assert.equal((await ok(200, call("PUT", "/providers/mine", { api_key: null })))["has_api_key"], false);
      await refused(409, "provider_predefined", call("DELETE", "/providers/openai"));
      await ok(204, call("DELETE", "/providers/mine"));
      await refused(404, "not_found", call("GET", "/providers/mine"));
    });

    test("models: added with a price, refused twice, deleted; a price is applied to the next request", async () => {
      const model = {
        name: "priced",
        display_name: "Priced",
        price_micros_per_mtok: { input: 1_000_000, output: 2_000_000 },
        context_tokens: 1000,
      };
      const added = await ok(201, call("POST", "/providers/sim-chat/models", model));
      await refused(409, "model_exists", call("POST", "/providers/sim-chat/models", model));
      const usage = JSON.stringify({ usage: { input: 1000, output: 500 } });
      const reply = await gate.post(
        "/v1/chat/completions",
        { model: "sim-chat/priced", messages: [{ role: "user", content: "x" }] },
        { "x-simulator": usage },
      );
      assert.equal(reply.headers["x-portcullis-cost-usd"], "0.002000");
      await ok(204, call("DELETE", `/providers/models/${String(added["id"])}`));
      await refused(404, "not_found", call("DELETE", `/providers/models/${String(added["id"])}`));
    });

    test("a provider's key is tested with the provider, the given one or the stored one", async () => {
      assert.equal((await ok(200, call("POST", "/providers/sim-chat/test", {})))["ok"], true);
      const wrong = await ok(200, call("POST", "/providers/sim-chat/test", { api_key: "sk-wrong-0123456789" }));
      assert.equal(wrong["ok"], false);
      assert.ok(typeof wrong["error"] === "string" && !String(wrong["error"]).includes("sk-wrong"));
      await refused(
        400,
        "provider_test_failed",
        call("POST", "/credentials", { provider: "sim-chat", value: "sk-wrong-0123456789", test: true }),
      );
    });

    test("keys: created, used, listed without the secret, disabled, enabled, rotated, deleted", async () => {
      const created = await ok(
        201,
        call("POST", "/keys", { description: "x", user: "ada", models: ["priced*"], expires_in: "30d" }),
      );
      const { id, key } = created as { id: string; key: string };
      assert.match(key, /^pc_/);
      assert.ok(!(await call("GET", "/keys")).body.includes(key));
      assert.equal((await ok(200, call("POST", "/keys/validate", { key })))["valid"], true);
      assert.equal((await ok(200, call("POST", `/keys/${id}/disable`)))["status"], "disabled");
      assert.deepEqual(await ok(200, call("POST", "/keys/validate", { key })), {
        valid: false,
        reason: "key_disabled",
      });
      await ok(200, call("POST", `/keys/${id}/enable`));
      const rotated = await ok(200, call("POST", `/keys/${id}/rotate`, { overlap: "1h" }));
      assert.notEqual(rotated["key"], key);
      assert.equal((await ok(200, call("POST", "/keys/validate", { key })))["valid"], true, "within the overlap");
      await ok(204, call("DELETE", `/keys/${id}`));
      await refused(404, "not_found", call("GET", `/keys/${id}`));
    });

    test("an admin key administers, and its life is bounded", async () => {
      const admin = await ok(201, call("POST", "/keys", { admin: true, expires_in: "1000d" }));
      const life = Date.parse(String(admin["expires_at"])) - Date.now();
      assert.ok(life > 0 && life <= 90 * 86_400_000);
      const headers = { authorization: `Bearer ${String(admin["key"])}` };
      assert.equal((await call("GET", "/status", undefined, headers)).status, 200);
      const reply = await gate.post("/v1/chat/completions", { model: "sim-chat/x", messages: [] }, headers);
      assert.equal(reply.status, 401, "it is not a caller's key");
    });

    test("lists page by cursor without gap or repetition", async () => {
      for (let index = 0; index < 5; index++) await ok(201, call("POST", "/keys", { description: `page ${index}` }));
      const seen: unknown[] = [];
      let cursor = "";
      do {
        const page = await ok(200, call("GET", `/keys?limit=2${cursor}`));
        seen.push(...(page["data"] as Fields[]).map((key) => key["id"]));
        cursor = page["next_cursor"] === null ? "" : `&cursor=${String(page["next_cursor"])}`;
      } while (cursor !== "");
      assert.equal(new Set(seen).size, seen.length);
      const all = (await ok(200, call("GET", "/keys?limit=500")))["data"] as Fields[];
      assert.deepEqual(
        seen,
        all.map((key) => key["id"]),
      );
    });

    test("usage and requests tell what was used, under the documented names", async () => {
      await gate.post(
        "/v1/messages",
        { model: "sim-anthropic/measured", max_tokens: 10, messages: [{ role: "user", content: "x" }] },
        {
          "anthropic-version": "2023-06-01",
          "x-simulator": JSON.stringify({ usage: { input: 7, output: 5, cache_read: 3, cache_write: 2 } }),
        },
      );
      const { data } = (await ok(200, call("GET", "/usage?by=model&since=1h"))) as { data: Fields[] };
      const row = data.find((each) => each["model"] === "measured");
      assert.deepEqual(
        [
          row?.["requests"],
          row?.["input_tokens"],
          row?.["output_tokens"],
          row?.["cache_read_tokens"],
          row?.["cache_write_tokens"],
          row?.["unpriced_requests"],
        ],
        [1, 7, 5, 3, 2, 1],
      );
      const [request] = ((await ok(200, call("GET", "/requests?limit=1")))["data"] as Fields[]) ?? [];
      for (const field of [
        "request_id",
        "started_at",
        "key_id",
        "route",
        "provider",
        "model",
        "dialect",
        "status",
        "outcome",
        "usage_source",
        "input_tokens",
        "output_tokens",
        "cost_micros",
        "latency_ms",
      ]) {
        assert.ok(request !== undefined && field in request, field);
      }
      assert.equal(request?.["cost_micros"], null, "an unknown price is not zero");
      assert.equal((await ok(200, call("GET", `/requests/${String(request?.["request_id"])}`)))["model"], "measured");
    });

    test("every change is in the audit log before it is made, without its secrets", async () => {
      await call("POST", "/credentials", { provider: "sim-chat", value: "sk-audit-canary-0123" });
      await call("DELETE", "/providers/does-not-exist");
      const text = (await call("GET", "/audit?limit=10")).body.toString();
      assert.ok(text.includes("credentials.create") && text.includes("does-not-exist"));
      assert.ok(!text.includes("canary"));
    });

    test("bad input gets a problem that says what is wrong", async () => {
      await refused(400, "invalid_request", call("POST", "/keys", { unknown_field: 1 }));
      await refused(400, "invalid_request", call("POST", "/keys", { models: [] }));
      await refused(400, "invalid_request", call("GET", "/usage?by=nonsense"));
      await refused(
        400,
        "invalid_json",
        send(`${gate.url}/api/v1/keys`, "POST", token, { "content-type": "application/json" }, "{"),
      );
      await refused(415, "unsupported_media_type", call("POST", "/keys", {}, { "content-type": "text/plain" }));
      await refused(405, "method_not_allowed", call("DELETE", "/keys"));
      await refused(404, "route_not_found", call("GET", "/nothing"));
    });

    test("the instance is claimed once, with the code or by an admin", async () => {
      const code = gate.gateway.setupCode?.reveal();
      await refused(
        403,
        "setup_code_invalid",
        call("POST", "/setup", { name: "Eve", code: "aaaa-bbbb-cccc-dddd" }, { authorization: null }),
      );
      await refused(403, "setup_code_invalid", call("POST", "/setup", { name: "Eve" }, { authorization: null }));
      const claimed = await ok(200, call("POST", "/setup", { name: "Ada", code }, { authorization: null }));
      assert.match(String(claimed["admin_key"]), /^pca_/);
      await refused(409, "already_claimed", call("POST", "/setup", { name: "Eve", code }, { authorization: null }));
    });

    test("sealing stops the data plane and unsealing starts it again", async () => {
      assert.equal((await ok(200, call("POST", "/vault/seal")))["state"], "sealed");
      const asked = { model: "sim-chat/x", messages: [{ role: "user", content: "x" }] };
      assert.equal((await gate.post("/v1/chat/completions", asked)).status, 503);
      assert.equal((await gate.get("/readyz")).status, 503);
      assert.equal((await ok(200, call("POST", "/vault/unseal", {})))["state"], "unsealed");
      assert.equal((await gate.post("/v1/chat/completions", asked)).status, 200);
    });

    test("the OpenAPI document describes every path", async () => {
      const document = await ok(200, call("GET", "/openapi.json"));
      assert.ok(Object.keys(document["paths"] as Fields).length > 20);
    });
  });
}
