import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createSecrets, PortcullisError } from "@portcullis/client";
import { endpoints } from "@portcullis/contract";
import { plant, search } from "../support/canaries.ts";
import { databases } from "../support/databases.ts";
import { openGate, send, type Gate, type Reply } from "../support/gateway.ts";
import { until } from "./ask.ts";

/* Named secrets over the admin API and the SDK, and the rule by which a value comes out again; on both databases. */

type Fields = Record<string, unknown>;

function caller(gate: Gate, token = gate.gateway.adminToken.reveal()) {
  return (method: string, path: string, body?: unknown, headers: Record<string, string | null> = {}): Promise<Reply> =>
    send(
      `${gate.gateway.adminUrl}/api/v1${path}`,
      method,
      token,
      headers,
      body === undefined ? undefined : JSON.stringify(body),
    );
}

const events = async (gate: Gate) =>
  (await gate.admin.call(endpoints.audit.list, { query: { limit: 100 } })).data.map(
    ({ actor, action, target, detail }) => ({ actor, action, target, detail }),
  );

for (const database of databases) {
  describe(`secrets (${database.name})`, { skip: database.skip }, async () => {
    const canary = plant("secret", "sk-");
    const gate = await openGate({
      config: "vault: { reveal: true }\n",
      storageUrl: await database.create("empty"),
    });
    const call = caller(gate);

    test("a secret is made with 201, replaced with 200, listed without its value, deleted", async () => {
      const made = await call("PUT", "/secrets/openai_api_key", { value: canary.value });
      assert.equal(made.status, 201, made.body.toString());
      const { updated_at, ...rest } = made.json() as Fields;
      assert.deepEqual(rest, { name: "openai_api_key", version: 1, environment: ["OPENAI_API_KEY"] });
      assert.ok(Math.abs(Date.parse(String(updated_at)) - Date.now()) < 60_000);
      const replaced = await call("PUT", "/secrets/openai_api_key", { value: `${canary.value}2` });
      assert.deepEqual([replaced.status, (replaced.json() as Fields)["version"]], [200, 2]);
      await call("PUT", "/secrets/other.token", { value: "x" });
      const listed = await call("GET", "/secrets");
      const { data, next_cursor } = listed.json() as { data: Fields[]; next_cursor: unknown };
      assert.deepEqual(
        data.map(({ name, version }) => [name, version]),
        [
          ["openai_api_key", 2],
          ["other.token", 1],
        ],
      );
      assert.equal(next_cursor, null);
      assert.ok(!listed.body.includes(canary.core));
      assert.equal((await call("DELETE", "/secrets/other.token")).status, 204);
      assert.equal((await call("DELETE", "/secrets/other.token")).status, 404);
      assert.equal((await call("POST", "/secrets/other.token/reveal", {})).status, 404);
    });

    test("a value comes back as it went in, to an admin here, after the audit log has it", async () => {
      const value = `${canary.value}\n— \u0000 \u202e 鍵 — last line\n`;
      await call("PUT", "/secrets/multi-line", { value });
      const reply = await call("POST", "/secrets/multi-line/reveal", {});
      assert.equal(reply.status, 200, reply.body.toString());
      assert.deepEqual(reply.json(), { name: "multi-line", value });
      assert.equal(reply.headers["cache-control"], "no-store");
      assert.deepEqual((await events(gate)).slice(0, 3), [
        { actor: "admin.token", action: "secrets.revealed", target: "multi-line", detail: {} },
        { actor: "admin.token", action: "secrets.reveal", target: "multi-line", detail: {} },
        { actor: "admin.token", action: "secrets.put", target: "multi-line", detail: { value: "[not recorded]" } },
      ]);
    });

    test("whoever is no admin on this machine gets nothing", async () => {
      const path = "/secrets/openai_api_key/reveal";
      const admin = (await gate.createKey({ admin: true })).key;
      assert.equal((await caller(gate, admin)("POST", path, {})).status, 200, "an admin key");
      const refused: (readonly [Promise<Reply>, number, string])[] = [
        [caller(gate, gate.key)("POST", path, {}), 401, "admin_required"],
        [call("POST", path, {}, { authorization: null }), 401, "admin_required"],
        [call("POST", path, {}, { "x-forwarded-for": "127.0.0.1" }), 403, "reveal_not_local"],
        [call("POST", path, {}, { forwarded: "for=127.0.0.1" }), 403, "reveal_not_local"],
        [call("POST", path, {}, { origin: "https://evil.example" }), 403, "origin_not_allowed"],
        [call("GET", path), 405, "method_not_allowed"],
      ];
      for (const [pending, status, code] of refused) {
        const reply = await pending;
        assert.equal(reply.status, status, reply.body.toString());
        assert.ok(reply.body.includes(code), reply.body.toString());
        assert.ok(!reply.body.includes(canary.core));
      }
      assert.equal((await events(gate)).filter(({ action }) => action === "secrets.revealed").length, 2);
    });

    test("a name that is none, a value too large or of no text, and unknown fields are refused", async () => {
      for (const name of ["UPPER", "-a", "a%2Fb", "a%20b", "x".repeat(129), "%2e%2e%2fkeys"]) {
        const reply = await call("PUT", `/secrets/${name}`, { value: "v" });
        assert.equal(reply.status, 400, `${name} ${reply.body.toString()}`);
      }
      const keyAsName = await call("PUT", "/secrets/sk-abcdefghijklmnopqrst0123", { value: "v" });
      assert.deepEqual([keyAsName.status, keyAsName.body.includes("abcdefghij")], [400, false]);
      const put = (body: unknown) => call("PUT", "/secrets/sized", body);
      for (const body of [
        {},
        { value: "" },
        { value: 1 },
        { value: "v", name: "other" },
        { value: "x".repeat(65_537) },
        { value: "é".repeat(32_769) },
        { value: "\ud800" },
      ]) {
        const reply = await put(body);
        assert.equal(reply.status, 400, reply.body.toString());
      }
      assert.equal((await put({ value: "é".repeat(32_768) })).status, 201);
      assert.ok(!JSON.stringify(await events(gate)).includes("abcdefghij"), "a key in the place of a name is not kept");
    });

    test("pages follow each other by name, whatever is deleted in between", async () => {
      const names = ["page.a", "page.b", "page_c", "pagea"];
      for (const name of names.toReversed()) await call("PUT", `/secrets/${name}`, { value: "v" });
      const page = async (cursor: string) => {
        const reply = await call("GET", `/secrets?limit=2&cursor=${cursor}`);
        const { data, next_cursor } = reply.json() as { data: Fields[]; next_cursor: string | null };
        return [data.map((row) => row["name"]), next_cursor];
      };
      assert.deepEqual(await page("page"), [["page.a", "page.b"], "page.b"]);
      await call("DELETE", "/secrets/page.b");
      assert.deepEqual(await page("page.b"), [["page_c", "pagea"], "pagea"]);
    });

    test("two that set the same secret at once leave one of the two values, whole", async () => {
      await call("PUT", "/secrets/raced", { value: "0" });
      const values = Array.from({ length: 8 }, (_, index) => `value-${index}`);
      const replies = await Promise.all(values.map((value) => call("PUT", "/secrets/raced", { value })));
      assert.ok(replies.some(({ status }) => status === 200));
      for (const { status } of replies) assert.ok(status === 200 || status === 409, String(status));
      const taken = values.filter((_, index) => replies[index]?.status === 200);
      const { value } = (await call("POST", "/secrets/raced/reveal", {})).json() as { value: string };
      assert.ok(taken.includes(value), value);
    });

    test("the SDK sets, gets, lists and deletes", async () => {
      const secrets = createSecrets({
        baseUrl: gate.gateway.adminUrl,
        token: gate.gateway.adminToken.reveal(),
        environment: { SDK_TOKEN: "from-environment" },
      });
      const reader = createSecrets({
        baseUrl: gate.gateway.adminUrl,
        token: gate.gateway.adminToken.reveal(),
        environment: {},
      });
      await secrets.set("sdk.token", "from-vault");
      assert.equal((await secrets.find("sdk.token"))?.source, "process");
      assert.deepEqual(await reader.find("sdk.token"), { name: "sdk.token", value: "from-vault", source: "vault" });
      assert.ok((await reader.list()).some(({ name, version }) => name === "sdk.token" && version === 1));
      assert.equal(await secrets.delete("sdk.token"), true);
      assert.equal(await reader.get("sdk.token"), undefined);
      assert.equal((await secrets.find("sdk.token"))?.source, "environment");
    });

    test("sealed, no value goes in or out, and the SDK says so", async () => {
      await gate.admin.call(endpoints.vault.seal);
      const secrets = createSecrets({
        baseUrl: gate.gateway.adminUrl,
        token: gate.gateway.adminToken.reveal(),
        environment: {},
      });
      for (const attempt of [secrets.set("other", "v"), secrets.get("openai_api_key")]) {
        await assert.rejects(
          attempt,
          (error: unknown) => error instanceof PortcullisError && error.code === "vault_sealed",
        );
      }
      assert.equal((await call("GET", "/secrets")).status, 200, "names are no secret");
      await gate.admin.call(endpoints.vault.unseal, { input: {} });
      assert.equal(await secrets.get("openai_api_key"), `${canary.value}2`);
    });

    test("no value is in the log", () => {
      const traces = [{ where: "log", bytes: Buffer.from(gate.logLines.join("\n")) }];
      assert.deepEqual(search([canary], traces), []);
    });

    test("a dead gateway is told from a secret that is not there", async () => {
      await gate.close();
      const { adminUrl: baseUrl } = gate.gateway;
      const secrets = createSecrets({ baseUrl, environment: { OPENAI_API_KEY: "from-environment" } });
      const found = await secrets.find("openai_api_key");
      assert.deepEqual([found?.source, found?.problem?.code], ["environment", "unreachable"]);
      await assert.rejects(secrets.get("other.token"), { code: "unreachable" });
    });
  });
}

describe("revealing", () => {
  test("is off unless the configuration says otherwise, on at once when it does, and off again as fast", async () => {
    const gate = await openGate({ config: "vault: {}\n" });
    const call = caller(gate);
    await call("PUT", "/secrets/mine", { value: "sk-canary" });
    const reveal = async () => (await call("POST", "/secrets/mine/reveal", {})).status;
    const refused = await call("POST", "/secrets/mine/reveal", {});
    const { code, hint } = refused.json() as Fields;
    assert.deepEqual([refused.status, code], [403, "reveal_disabled"]);
    assert.match(String(hint), /`vault\.reveal: true`/);
    assert.equal((await call("POST", "/secrets/not-there/reveal", {})).status, 403, "nor is told what there is");
    const configure = (text: string) => {
      writeFileSync(join(gate.home, "portcullis.yaml"), text);
      return gate.gateway.reload();
    };
    assert.equal(await configure("vault: { reveal: true }\n"), true);
    assert.equal(await reveal(), 200);
    assert.equal(await configure("vault: {}\n"), true);
    assert.equal(await reveal(), 403);
    await until(
      "the audit log has all of it",
      async () => (await events(gate)).filter(({ action }) => action === "secrets.revealed").length === 1,
    );
  });

  test("nothing of a secret lies in the home or the database file", async () => {
    const canary = plant("secret");
    const gate = await openGate({ config: "vault: { reveal: true }\n" });
    const call = caller(gate);
    await call("PUT", "/secrets/mine", { value: canary.value });
    assert.equal((await call("POST", "/secrets/mine/reveal", {})).status, 200);
    await gate.close();
    const bytes = readFileSync(join(gate.home, "portcullis.db"));
    assert.deepEqual(search([canary], [{ where: "portcullis.db", bytes }]), []);
  });
});
