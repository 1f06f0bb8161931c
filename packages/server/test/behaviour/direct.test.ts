import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate, send } from "../support/gateway.ts";

/* Requests that go to a provider without asking for a model: about a reply that it keeps, and to its own addresses. */

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const seen: Seen[] = [];
const vendor = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += String(chunk)));
  request.on("end", () => {
    const { method = "", url = "", headers } = request;
    seen.push({ method, url, headers, body });
    const id = `resp_${seen.length}`;
    const reply = {
      id,
      object: "response",
      status: "completed",
      model: "m",
      usage: { input_tokens: 3, output_tokens: 1 },
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reply));
  });
});
await new Promise<void>((resolve) => void vendor.listen(0, "127.0.0.1", resolve));
after(() => vendor.close());
const base_url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`;

const gate = await openGate();
await gate.admin.call(endpoints.providers.create, {
  input: { id: "keeper", dialect: "openai-responses", base_url, allow_private: true },
});
const keys = ["sk-keeper-account-0001", "sk-keeper-account-0002"];
for (const value of keys) await gate.admin.call(endpoints.credentials.create, { input: { provider: "keeper", value } });

const last = (): Seen => {
  const found = seen.at(-1);
  assert.ok(found);
  return found;
};
const code = (body: Buffer): unknown => (JSON.parse(body.toString()) as { error: { code: unknown } }).error.code;

async function newReply(): Promise<{ readonly id: string; readonly account: string | undefined }> {
  const reply = await gate.post("/v1/responses", { model: "keeper/m", input: "hello" });
  assert.equal(reply.status, 200, reply.body.toString());
  return { id: (reply.json() as { id: string }).id, account: last().headers.authorization };
}

describe("a reply that the provider keeps", () => {
  test("is asked for and deleted with the account that made it, whichever turn it is", async () => {
    const made = [await newReply(), await newReply(), await newReply()];
    assert.equal(new Set(made.map(({ account }) => account)).size, 2, "both accounts were used");
    for (const { id, account } of made) {
      for (const [method, tail] of [
        ["GET", ""],
        ["GET", "/input_items?limit=2"],
        ["DELETE", ""],
      ] as const) {
        const reply = await send(`${gate.url}/v1/responses/${id}${tail}`, method, gate.key);
        assert.equal(reply.status, 200, reply.body.toString());
        assert.deepEqual([last().method, last().url], [method, `/v1/responses/${id}${tail}`]);
        assert.equal(last().headers.authorization, account);
        assert.equal(last().body, "");
      }
    }
  });

  test("costs nothing to ask for", async () => {
    const { id } = await newReply();
    const reply = await gate.get(`/v1/responses/${id}`);
    const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
    assert.deepEqual(
      [data[0]?.request_id, data[0]?.cost_micros, data[0]?.input_tokens],
      [reply.headers["x-request-id"], 0, 0],
    );
  });

  test("is not found by another key, nor under an id that nobody got", async () => {
    const { id } = await newReply();
    const other = await gate.createKey();
    const before = seen.length;
    const foreign = await send(`${gate.url}/v1/responses/${id}`, "GET", other.key);
    const unknown = await gate.get("/v1/responses/resp_none");
    assert.deepEqual([foreign.status, code(foreign.body)], [404, "not_found"]);
    assert.deepEqual([unknown.status, code(unknown.body)], [404, "not_found"]);
    assert.equal(seen.length, before);
  });

  test("is not found once its account's key is gone, rather than asked for with another's", async () => {
    await newReply();
    const { id, account } = await newReply();
    const { data } = await gate.admin.call(endpoints.credentials.list, { query: { limit: 50 } });
    const used = data.find((credential) => credential.provider === "keeper" && account?.endsWith(credential.last_four));
    assert.ok(used);
    await gate.admin.call(endpoints.credentials.disable, { params: { id: used.id } });
    const before = seen.length;
    const reply = await gate.get(`/v1/responses/${id}`);
    assert.equal(code(reply.body), "no_credential");
    assert.equal(seen.length, before);
    await gate.admin.call(endpoints.credentials.enable, { params: { id: used.id } });
  });
});

describe("a provider's own addresses", () => {
  test("are for keys that were allowed them by name", async () => {
    const before = seen.length;
    const reply = await gate.get("/providers/keeper/v1/batches");
    assert.deepEqual([reply.status, code(reply.body)], [403, "passthrough_not_allowed"]);
    const nobody = await send(`${gate.url}/providers/keeper/v1/batches`, "GET", "nothing");
    assert.equal(nobody.status, 401);
    const elsewhere = await gate.createKey({ passthrough: ["sim-chat"] });
    assert.equal((await send(`${gate.url}/providers/keeper/v1/batches`, "GET", elsewhere.key)).status, 403);
    assert.equal(seen.length, before);
  });

  test("get the request as it is, with the provider's key and without the caller's", async () => {
    const { id, key } = await gate.createKey({ description: "batches" });
    await gate.admin.call(endpoints.keys.update, { params: { id }, input: { passthrough: ["keeper"] } });
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      const body = method === "GET" || method === "DELETE" ? undefined : "a,b\n1,2\n";
      const headers = { "content-type": body === undefined ? null : "text/csv", "x-own": "1" };
      const path = "/v1/files/a%20b:c?purpose=batch&x=%2F";
      const reply = await send(`${gate.url}/providers/keeper${path}`, method, key, headers, body);
      assert.equal(reply.status, 200, reply.body.toString());
      assert.deepEqual([last().method, last().url, last().body], [method, path, body ?? ""]);
      assert.equal(last().headers["x-own"], "1");
      assert.match(last().headers.authorization ?? "", /^Bearer sk-keeper-account-000[12]$/);
    }
    const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
    assert.equal(data[0]?.usage_source, "unknown");
    assert.equal(data[0]?.cost_micros, null, "what it cost is not known, and not said to be nothing");
  });

  test("are found under the provider's id as it is, and under nothing that means the same", async () => {
    const { key } = await gate.createKey({ passthrough: ["keeper"] });
    const before = seen.length;
    for (const path of [
      "/providers/%6beeper/v1/files?x=/providers/keeper/other",
      "/providers/keeper",
      "/providers/Keeper/v1",
    ]) {
      const reply = await send(gate.url + path, "GET", key);
      assert.ok([403, 404].includes(reply.status), `${path}: ${reply.status}`);
    }
    assert.equal(seen.length, before);
  });

  test("cannot be left for another place", async () => {
    const { key } = await gate.createKey({ passthrough: ["keeper"] });
    const before = seen.length;
    for (const path of [
      "/providers/keeper/../sim-chat/v1",
      "/providers/keeper/%2e%2e/x",
      "/providers/keeper//evil.example/",
    ]) {
      const raw = await rawGet(path, key);
      assert.match(raw, /^HTTP\/1\.1 400 /, path);
    }
    assert.equal(seen.length, before);
  });
});

/** Node's own client would tidy the path up. */
async function rawGet(path: string, key: string): Promise<string> {
  const { connect } = await import("node:net");
  const { hostname, port } = new URL(gate.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = "";
    socket.on("data", (chunk) => (text += String(chunk)));
    socket.on("error", reject);
    socket.on("end", () => resolve(text));
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nConnection: close\r\n\r\n`,
    );
  });
}

describe("a client written for another gateway", () => {
  const body = { model: "test-model", messages: [{ role: "user", content: "hello" }] };

  test("may name the provider in a header, and its headers go no further", async () => {
    const headers = {
      authorization: null,
      "x-portkey-api-key": gate.key,
      "x-portkey-provider": "@sim-chat",
      "x-portkey-metadata": '{"_user":"ada"}',
      "x-portkey-custom-host": "http://169.254.169.254/",
    };
    const reply = await gate.post("/v1/chat/completions", body, headers);
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(reply.headers["x-portcullis-provider"], "sim-chat");
    const names = (gate.simulator.requests.at(-1)?.headers ?? []).flatMap(String);
    assert.deepEqual(
      names.filter((name) => /portkey/i.test(name)),
      [],
    );
  });

  test("is told which provider there is not", async () => {
    const reply = await gate.post("/v1/chat/completions", body, { "x-portkey-provider": "nowhere" });
    assert.deepEqual([reply.status, code(reply.body)], [400, "invalid_request"]);
    assert.match(reply.body.toString(), /nowhere/);
  });

  test("may keep the word in front of its paths, and the header its key was in", async () => {
    for (const prefix of ["/openai", "/litellm", "/langchain", "/groq/openai"]) {
      const headers = { authorization: null, "x-bf-vk": gate.key };
      const reply = await gate.post(
        `${prefix}/v1/chat/completions`,
        { ...body, model: "sim-chat/test-model" },
        headers,
      );
      assert.equal(reply.status, 200, `${prefix}: ${reply.body.toString()}`);
    }
    const anthropic = await gate.get("/anthropic/v1/models", { "anthropic-version": "2023-06-01" });
    assert.equal(anthropic.status, 200);
  });
});
