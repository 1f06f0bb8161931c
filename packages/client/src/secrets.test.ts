import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import { inspect } from "node:util";
import { createSecrets, PortcullisError } from "./index.ts";

const at = "2026-01-31T08:00:00.000Z";

/** The secrets of a gateway, kept in a map; `refuse` makes every call fail with this code. */
async function vault(context: TestContext, stored: Record<string, string> = {}) {
  const values = new Map(Object.entries(stored));
  const calls: string[] = [];
  const state = { values, calls, refuse: undefined as readonly [number, string] | undefined };
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) =>
      void response
        .writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json" })
        .end(status === 204 ? undefined : JSON.stringify(body));
    const refuse = (status: number, code: string) => answer(status, { status, code, title: code, detail: code });
    const respond = async () => {
      const url = new URL(request.url ?? "", "http://local");
      const [, name = "", action] = /^\/api\/v1\/secrets\/([^/]+)(\/reveal)?$/.exec(url.pathname) ?? [];
      calls.push(`${request.method} ${url.pathname}`);
      const body: unknown = request.method === "GET" || request.method === "DELETE" ? {} : await json(request);
      if (state.refuse !== undefined) return refuse(...state.refuse);
      const row = (key: string) => ({ name: key, version: 1, updated_at: at, environment: [] });
      if (request.method === "GET") {
        return answer(200, { data: [...values.keys()].map(row), next_cursor: null });
      }
      if (request.method === "PUT") {
        values.set(name, (body as { value: string }).value);
        return answer(201, row(name));
      }
      if (!values.has(name)) return refuse(404, "not_found");
      if (action !== undefined) return answer(200, { name, value: values.get(name) });
      values.delete(name);
      return answer(204, undefined);
    };
    void respond();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { ...state, state, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const dead = "http://127.0.0.1:1";
const name = "openai_api_key";

test("set in this process, vault, environment, default: the first that has it wins", async (context) => {
  const { baseUrl, values } = await vault(context, { [name]: "from-vault" });
  const environment: Record<string, string> = { OPENAI_API_KEY: "from-environment" };
  const secrets = createSecrets({ baseUrl, environment, defaults: { [name]: "from-default" } });
  secrets.setLocal(name, "from-process");
  assert.deepEqual(await secrets.find(name), { name, value: "from-process", source: "process" });
  assert.equal(await secrets.delete(name), true);
  assert.equal(values.has(name), false);
  values.set(name, "from-vault");
  assert.deepEqual(await secrets.find(name), { name, value: "from-vault", source: "vault" });
  values.delete(name);
  const found = { name, value: "from-environment", source: "environment", variable: "OPENAI_API_KEY" };
  assert.deepEqual(await secrets.find(name), found);
  environment["OPENAI_API_KEY"] = "";
  assert.deepEqual(await secrets.find(name), { name, value: "from-default", source: "default" });
  assert.equal(await createSecrets({ baseUrl, environment: {} }).get(name), undefined);
});

test("however a name is punctuated, it is looked for in the same variable, and in those it is also known by", async () => {
  const environment = { OPENAI_API_KEY: "sk-one", GEMINI_API_KEY: "sk-two", MY_OWN_THING: "three" };
  const secrets = createSecrets({ baseUrl: dead, environment });
  const values = ["openai_api_key", "openai-api-key", "openai.api.key", "google-api-key", "my.own-thing"].map((each) =>
    secrets.get(each),
  );
  assert.deepEqual(await Promise.all(values), ["sk-one", "sk-one", "sk-one", "sk-two", "three"]);
});

test("each search asks the vault anew, so a value changed elsewhere is seen at once", async (context) => {
  const { baseUrl, values } = await vault(context, { [name]: "old" });
  const secrets = createSecrets({ baseUrl, environment: {} });
  assert.equal(await secrets.get(name), "old");
  values.set(name, "new");
  assert.equal(await secrets.get(name), "new");
});

test("what is set goes into the vault first, and is used here once it is there", async (context) => {
  const { baseUrl, values, state } = await vault(context);
  const secrets = createSecrets({ baseUrl, environment: {} });
  await secrets.set(name, "value");
  assert.equal(values.get(name), "value");
  state.refuse = [403, "reveal_disabled"];
  assert.deepEqual(await secrets.find(name), { name, value: "value", source: "process" });
  await assert.rejects(secrets.set(name, "other"), { code: "reveal_disabled" });
  assert.equal(await secrets.get(name), "value", "what the vault did not take is not used");
});

test("without a vault nothing is stored anywhere, and set says so", async () => {
  const secrets = createSecrets({ baseUrl: dead, environment: {} });
  await assert.rejects(secrets.set(name, "value"), { code: "unreachable" });
  await assert.rejects(secrets.get(name), { code: "unreachable" });
  await assert.rejects(secrets.list(), { code: "unreachable" });
  await assert.rejects(secrets.delete(name), { code: "unreachable" });
  secrets.setLocal(name, "value");
  assert.equal(await secrets.get(name), "value");
});

test("a vault that cannot be asked is named beside a value found later, and fails the search where there is none", async (context) => {
  const { baseUrl, state } = await vault(context, { [name]: "from-vault" });
  for (const [status, code] of [
    [403, "reveal_disabled"],
    [401, "admin_required"],
    [503, "vault_sealed"],
    [404, "route_not_found"],
  ] as const) {
    state.refuse = [status, code];
    const found = await createSecrets({ baseUrl, environment: { OPENAI_API_KEY: "env" } }).find(name);
    assert.deepEqual([found?.value, found?.source, found?.problem?.code], ["env", "environment", code]);
    const fallback = await createSecrets({ baseUrl, environment: {}, defaults: { [name]: "default" } }).find(name);
    assert.deepEqual([fallback?.source, fallback?.problem?.code], ["default", code]);
    await assert.rejects(createSecrets({ baseUrl, environment: {} }).get(name), (error: unknown) => {
      assert.ok(error instanceof PortcullisError);
      return error.code === code && error.status === status;
    });
  }
});

test("the list names what the vault has, and deleting says whether there was one", async (context) => {
  const { baseUrl } = await vault(context, { a: "1", b: "2" });
  const secrets = createSecrets({ baseUrl, environment: {} });
  assert.deepEqual(
    (await secrets.list()).map((row) => row.name),
    ["a", "b"],
  );
  assert.equal(await secrets.delete("a"), true);
  assert.equal(await secrets.delete("a"), false);
});

test("what is no name is refused before anything is asked, and not repeated", async (context) => {
  const { baseUrl, calls } = await vault(context);
  const secrets = createSecrets({ baseUrl, environment: {} });
  for (const wrong of ["", "OPENAI_API_KEY", "a/b", "../x", "sk-Canary", "é", "x".repeat(129), "-a", "__proto__"]) {
    for (const action of [() => secrets.get(wrong), () => secrets.set(wrong, "v"), () => secrets.delete(wrong)]) {
      await assert.rejects(action, (error: unknown) => {
        assert.doesNotMatch(inspect(error), /Canary/);
        return error instanceof PortcullisError && error.code === "invalid_request";
      });
    }
    assert.throws(() => secrets.setLocal(wrong, "v"), PortcullisError);
  }
  assert.deepEqual(calls, []);
});

test("names that every object has are names like others", async (context) => {
  const { baseUrl } = await vault(context);
  const secrets = createSecrets({ baseUrl, environment: {} });
  assert.equal(await secrets.get("constructor"), undefined);
});

test("address and token come from the environment unless they are given", async () => {
  const seen: (readonly [string, string | null])[] = [];
  const fetch: typeof globalThis.fetch = async (url, init) => {
    seen.push([String(url), new Headers(init?.headers).get("authorization")]);
    return new Response(JSON.stringify({ data: [], next_cursor: null }), {
      headers: { "content-type": "application/json" },
    });
  };
  const environment = { PORTCULLIS_URL: "http://gate.lan:1", PORTCULLIS_ADMIN_TOKEN: "pca_env" };
  await createSecrets({ environment, fetch }).list();
  await createSecrets({ environment, fetch, baseUrl: "http://other.lan:2", token: "pca_given" }).list();
  await createSecrets({ environment: {}, fetch }).list();
  assert.deepEqual(seen, [
    ["http://gate.lan:1/api/v1/secrets?limit=10000", "Bearer pca_env"],
    ["http://other.lan:2/api/v1/secrets?limit=10000", "Bearer pca_given"],
    ["http://127.0.0.1:8484/api/v1/secrets?limit=10000", null],
  ]);
});

test("an inspected store shows no value and no token", async () => {
  const secrets = createSecrets({ baseUrl: dead, token: "pca_canary", environment: { OPENAI_API_KEY: "sk-canary" } });
  secrets.setLocal(name, "sk-canary");
  assert.doesNotMatch(inspect(secrets, { depth: 9, showHidden: true }) + JSON.stringify(secrets), /canary/);
});
