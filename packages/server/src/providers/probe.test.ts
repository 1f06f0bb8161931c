import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { fakeClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { bearer, header } from "./auth.ts";
import { fromDefinition, type Provider } from "./live-provider.ts";
import { fetchModels, testProvider, type HttpGet } from "./probe.ts";
import { defineProvider, type ProviderDefinition } from "./provider.ts";

const key = new Secret("sk-canary-1234567890");
const clock = fakeClock();
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const server = createServer((request, response) => answer(request, response)).listen(0, "127.0.0.1");
await once(server, "listening");
after(() => server.close());
const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const httpGet: HttpGet = (url, headers, { maxBytes }) =>
  new Promise((resolve, reject) => {
    const request = get(url, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const body = Buffer.concat(chunks);
        if (body.length > maxBytes) reject(new AppError("upstream_broke", { provider: "it" }));
        else resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    request.on("error", (cause) => reject(new AppError("upstream_unreachable", { provider: "it" }, { cause })));
  });

function provider(given: Partial<ProviderDefinition> = {}): Provider {
  const base = {
    id: "it",
    name: "It",
    baseUrl,
    dialects: { "openai-chat": "/v1" },
    auth: bearer(),
    env: [],
    local: true,
  };
  return fromDefinition(defineProvider({ ...base, ...given }));
}

function reply(status: number, body: string, type = "application/json"): void {
  answer = (_request, response) => response.writeHead(status, { "content-type": type }).end(body);
}

async function errorOf(target = provider(), get: HttpGet = httpGet): Promise<string> {
  const result = await testProvider(target, key, { httpGet: get, clock });
  assert.equal(result.ok, false);
  assert.doesNotMatch(result.error ?? "", /canary/);
  return result.error ?? "";
}

test("a good key gives the models that the provider lists, and how long that took", async () => {
  let seen: IncomingMessage | undefined;
  answer = (request, response) => {
    seen = request;
    clock.advance(12.4);
    response.end(
      JSON.stringify({
        object: "list",
        data: [{ id: "b" }, { id: "a" }, { id: "b" }, { id: 5 }, {}, null, { id: "x\u0000y" }],
      }),
    );
  };
  const result = await testProvider(provider({ headers: { "x-title": "Portcullis" } }), key, { httpGet, clock });
  assert.deepEqual(result, { ok: true, models: ["a", "b"], latencyMs: 12, keyChecked: true });
  assert.equal(seen?.url, "/v1/models");
  assert.equal(seen?.headers.authorization, "Bearer sk-canary-1234567890");
  assert.equal(seen?.headers["x-title"], "Portcullis");
});

test("each dialect's list is asked for in its own way", async () => {
  let seen: IncomingMessage | undefined;
  answer = (request, response) => {
    seen = request;
    response.end('{"data":[{"id":"claude"}]}');
  };
  const anthropic = provider({ dialects: { "anthropic-messages": "/anthropic/v1" }, auth: header("x-api-key") });
  assert.deepEqual(await fetchModels(anthropic, key, httpGet), { ok: true, models: ["claude"] });
  assert.equal(seen?.url, "/anthropic/v1/models?limit=1000");
  assert.equal(seen?.headers["x-api-key"], key.reveal());
  assert.equal(seen?.headers.authorization, undefined);
  assert.equal(seen?.headers["anthropic-version"], "2023-06-01");
});

test("the shapes of lists that are about are all read", async () => {
  const shapes = {
    '[{"id":"together/a"}]': ["together/a"],
    '{"models":[{"name":"command-a"}]}': ["command-a"],
    '{"data":[{"id":"models/gemini-3-pro"}]}': ["gemini-3-pro"],
    '{"data":[]}': [],
  };
  for (const [body, models] of Object.entries(shapes)) {
    reply(200, body);
    assert.deepEqual(await fetchModels(provider(), undefined, httpGet), { ok: true, models }, body);
  }
});

test("a provider with an open list is tested where the key counts, or says that it was not", async () => {
  const paths: (string | undefined)[] = [];
  answer = (request, response) => {
    paths.push(request.url);
    response.writeHead(request.url === "/v1/key" ? 401 : 200).end('{"data":[]}');
  };
  const checked = await testProvider(provider({ probe: { keyPath: "/v1/key" } }), key, { httpGet, clock });
  assert.deepEqual([checked.ok, checked.keyChecked], [false, true]);
  const open = await testProvider(provider({ probe: { modelsArePublic: true } }), key, { httpGet, clock });
  assert.deepEqual([open.ok, open.keyChecked], [true, false]);
  reply(200, "[]");
  const without = await testProvider(provider({ probe: { modelsPath: null, keyPath: "/async" } }), key, {
    httpGet,
    clock,
  });
  assert.deepEqual(without, { ok: true, models: [], latencyMs: 0, keyChecked: true });
  assert.deepEqual(paths, ["/v1/key", "/v1/models"]);
});

test("a local engine is tested without a key", async () => {
  let seen: IncomingMessage | undefined;
  answer = (request, response) => {
    seen = request;
    response.end('{"data":[{"id":"llama"}]}');
  };
  const result = await testProvider(provider(), undefined, { httpGet, clock });
  assert.deepEqual([result.ok, result.keyChecked], [true, false]);
  assert.equal(seen?.headers.authorization, undefined);
});

test("every refusal is told in the user's words, and quotes nothing of what came back", async () => {
  const leaky = JSON.stringify({ error: { message: `bad key ${key.reveal()}` } });
  const expected: Record<number, RegExp> = {
    400: /most likely because the key is not valid/,
    401: /It refused the key \(status 401\)/,
    402: /no credit left/,
    403: /It refused the key \(status 403\)/,
    404: /nothing at http:\/\/127\.0\.0\.1:\d+\/v1\/models .*check the base URL/,
    405: /nothing at/,
    429: /takes no more requests at the moment/,
    500: /an error of its own \(status 500\)/,
    503: /an error of its own \(status 503\)/,
    302: /a redirect, which is not followed/,
  };
  for (const [status, pattern] of Object.entries(expected)) {
    reply(Number(status), leaky);
    assert.match(await errorOf(), pattern);
  }
  const { ok, ...rest } = await testProvider(provider(), undefined, {
    httpGet: async () => ({ status: 401, headers: {}, body: Buffer.alloc(0) }),
    clock,
  });
  assert.deepEqual([ok, "error" in rest && rest.error], [false, "It wants a key"]);
});

test("an answer that is no list of models is told apart", async () => {
  reply(200, "<!DOCTYPE html><p>sk-canary</p>", "text/html; charset=utf-8");
  assert.match(await errorOf(), /answered with a web page, not an API/);
  reply(404, "  <html></html>", "text/plain");
  assert.match(await errorOf(), /answered with a web page, not an API/);
  reply(200, '{"data":[{"id":"a"}]}', "text/html");
  assert.deepEqual(await fetchModels(provider(), key, httpGet), { ok: true, models: ["a"] });
  reply(200, "it works, sk-canary");
  assert.match(await errorOf(), /is not JSON/);
  for (const body of ["{}", '"sk-canary"', "null", '{"data":{"id":"a"}}']) {
    reply(200, body);
    assert.match(await errorOf(), /is not a list of models/, body);
  }
  reply(200, JSON.stringify({ data: ["x".repeat(5_000_000)] }));
  assert.match(await errorOf(), /broke off/);
});

test("why there was no answer is told without quoting the error", async () => {
  const failing =
    (cause: unknown): HttpGet =>
    async () => {
      throw new AppError("upstream_unreachable", { provider: "It" }, { cause });
    };
  const withCode = (name: string) => Object.assign(new Error(`failed with ${key.reveal()}`), { code: name });
  assert.match(await errorOf(provider({ baseUrl: "http://127.0.0.1:9" })), /nothing listens at 127\.0\.0\.1:9/);
  assert.match(
    await errorOf(provider(), failing(withCode("ENOTFOUND"))),
    /the name 127\.0\.0\.1 could not be resolved/,
  );
  assert.match(await errorOf(provider(), failing(new AggregateError([withCode("ECONNREFUSED")]))), /nothing listens/);
  assert.match(
    await errorOf(provider(), failing(withCode("CERT_HAS_EXPIRED"))),
    /certificate of .* is not valid \(CERT_HAS_EXPIRED\)/,
  );
  assert.match(await errorOf(provider(), failing(undefined)), /It could not be reached/);
  assert.match(
    await errorOf(provider(), () => Promise.reject(withCode("ECONNRESET"))),
    /It could not be reached \(ECONNRESET\)/,
  );
  const forbidden: HttpGet = () => Promise.reject(new AppError("upstream_forbidden", { provider: "It" }));
  assert.match(
    await errorOf(provider(), forbidden),
    /not one this gateway may connect to; for an engine on your own network/,
  );
});

test("an error of our own is not blamed on the provider", async () => {
  const broken: HttpGet = () => Promise.reject(new TypeError("a mistake"));
  await assert.rejects(testProvider(provider(), key, { httpGet: broken, clock }), TypeError);
});
