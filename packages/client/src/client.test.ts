import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import { inspect } from "node:util";
import { endpoints } from "@portcullis/contract";
import { createClient, PortcullisError } from "./index.ts";

const token = "pca_canary_token";

async function listen(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that keeps what it got and answers the same each time. */
async function recorder(context: TestContext, status: number, body: unknown, type = "application/json") {
  const seen: { request: IncomingMessage; body: string }[] = [];
  const baseUrl = await listen(context, (request, response) => {
    void text(request).then((received) => {
      seen.push({ request, body: received });
      response.writeHead(status, { "content-type": type }).end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  return { baseUrl, seen };
}

async function failure(promise: Promise<unknown>): Promise<PortcullisError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PortcullisError, inspect(error));
  return error;
}

test("a call becomes the request that the contract describes", async (context) => {
  const { baseUrl, seen } = await recorder(context, 201, { id: "k1", key: "pc_k1_x" });
  const client = createClient({ baseUrl: `${baseUrl}/`, token });
  const created = await client.call(endpoints.keys.create, { input: { user: "ada" } });
  assert.equal(created.key, "pc_k1_x");
  const [first] = seen;
  assert.equal(`${first?.request.method} ${first?.request.url}`, "POST /api/v1/keys");
  assert.equal(first?.request.headers.authorization, `Bearer ${token}`);
  assert.equal(first?.request.headers["content-type"], "application/json");
  assert.equal(first?.body, '{"user":"ada"}');
});

test("parameters are escaped, and a path in the base URL is kept", async (context) => {
  const { baseUrl, seen } = await recorder(context, 200, []);
  const client = createClient({ baseUrl: `${baseUrl}/gate/`, token });
  await client.call(endpoints.models.list, { params: { id: "a/b?c" } });
  await client.call(endpoints.requests.list, { query: { limit: 5, model: "a&b", cursor: undefined } });
  assert.deepEqual(
    seen.map(({ request }) => request.url),
    ["/gate/api/v1/providers/a%2Fb%3Fc/models", "/gate/api/v1/requests?limit=5&model=a%26b"],
  );
});

test("an id that would make the call reach another address is not sent at all", async (context) => {
  const { baseUrl, seen } = await recorder(context, 204, "");
  const client = createClient({ baseUrl, token });
  for (const id of ["", ".", ".."]) {
    assert.equal((await failure(client.call(endpoints.keys.remove, { params: { id } }))).code, "not_found");
  }
  assert.equal(seen.length, 0);
});

test("a reply without a body is undefined", async (context) => {
  const { baseUrl } = await recorder(context, 204, "");
  assert.equal(await createClient({ baseUrl, token }).call(endpoints.keys.remove, { params: { id: "k1" } }), undefined);
});

test("a problem becomes an error with everything the gateway said", async (context) => {
  const problem = {
    type: "about:blank",
    title: "Vault sealed",
    status: 503,
    code: "vault_sealed",
    detail: "the vault is sealed",
    hint: "unseal it",
    request_id: "01j",
  };
  const { baseUrl } = await recorder(context, 503, problem, "application/problem+json; charset=utf-8");
  const error = await failure(createClient({ baseUrl, token }).call(endpoints.status.get));
  const { status, code, message, title, detail, hint, requestId } = error;
  assert.deepEqual(
    { status, code, message, title, detail, hint, requestId },
    {
      status: 503,
      code: "vault_sealed",
      message: "the vault is sealed",
      title: "Vault sealed",
      detail: "the vault is sealed",
      hint: "unseal it",
      requestId: "01j",
    },
  );
});

test("whatever is not a gateway's reply is an unexpected reply", async (context) => {
  const replies: readonly (readonly [number, unknown, string])[] = [
    [200, "<html>", "text/html"],
    [502, "<html>", "text/html"],
    [500, { error: "no problem" }, "application/json"],
    [200, "{broken", "application/json"],
    [400, { code: 7, title: [] }, "application/problem+json"],
  ];
  for (const [status, body, type] of replies) {
    const { baseUrl } = await recorder(context, status, body, type);
    const error = await failure(createClient({ baseUrl, token }).call(endpoints.status.get));
    assert.equal(error.code, "unexpected_reply", String(body));
    assert.equal(error.status, status);
  }
});

test("a redirect is not followed, so the token goes nowhere else", async (context) => {
  const other = await recorder(context, 200, {});
  const baseUrl = await listen(context, (_request, response) => {
    response.writeHead(307, { location: `${other.baseUrl}/api/v1/status` }).end();
  });
  assert.equal((await failure(createClient({ baseUrl, token }).call(endpoints.status.get))).code, "unexpected_reply");
  assert.equal(other.seen.length, 0);
});

test("where nothing listens, or the connection breaks, the gateway is unreachable", async (context) => {
  const broken = await listen(context, (request) => request.socket.destroy());
  const half = await listen(context, (_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    response.write("{", () => response.destroy());
  });
  for (const baseUrl of ["http://127.0.0.1:1", broken, half]) {
    const error = await failure(createClient({ baseUrl, token }).call(endpoints.status.get));
    assert.deepEqual([error.code, error.status], ["unreachable", 0], baseUrl);
  }
});

test("a gateway that accepts and stays silent is given up after the time limit", async (context) => {
  const baseUrl = await listen(context, () => undefined);
  assert.equal(
    (await failure(createClient({ baseUrl, token, timeoutMs: 50 }).call(endpoints.status.get))).code,
    "timeout",
  );
  const trickle = await listen(context, (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).write("{");
  });
  assert.equal(
    (await failure(createClient({ baseUrl: trickle, token, timeoutMs: 50 }).call(endpoints.status.get))).code,
    "timeout",
  );
});

test("no error holds the token or what was sent, however the request failed", async (context) => {
  const failing = (thrown: unknown) =>
    createClient({ baseUrl: "http://127.0.0.1:1", token, fetch: () => Promise.reject(thrown) });
  const clients = [
    failing(new TypeError(`Invalid header value: Bearer ${token}`)),
    createClient({ baseUrl: "http://127.0.0.1:1", token: `${token}\n broken` }),
    createClient({ baseUrl: (await recorder(context, 500, `Bearer ${token}`, "text/plain")).baseUrl, token }),
  ];
  for (const client of clients) {
    const error = await failure(client.call(endpoints.keys.validate, { input: { key: "pc_canary_key" } }));
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /canary/);
  }
});

test("a file is read as it comes, for longer than a call may take; one that is broken off is an error", async (context) => {
  const baseUrl = await listen(context, (request, response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" }).write("one ");
    const breaksOff = request.headers["authorization"] === "Bearer breaks-off";
    setTimeout(() => (breaksOff ? response.destroy() : response.end("two")), 100);
  });
  const read = async (given: string): Promise<string> => {
    const client = createClient({ baseUrl, token: given, timeoutMs: 50 });
    let text = "";
    const file = await client.call(endpoints.backups.make, { input: { recipients: ["age1x"] } });
    for await (const piece of file) text += Buffer.from(piece).toString();
    return text;
  };
  assert.equal(await read("whole"), "one two");
  assert.match((await failure(read("breaks-off"))).title, /broke off its reply/);
  const refused = await recorder(
    context,
    503,
    { code: "vault_sealed", title: "Vault sealed" },
    "application/problem+json",
  );
  const client = createClient({ baseUrl: refused.baseUrl, token });
  const call = client.call(endpoints.backups.make, { input: { passphrase: "of many words" } });
  assert.equal((await failure(call)).code, "vault_sealed");
});

test("a base URL must be an http address without a password in it", () => {
  for (const baseUrl of ["ftp://x", "127.0.0.1:8484", "http://user:secret@host", ""]) {
    assert.throws(() => createClient({ baseUrl }), TypeError, baseUrl);
  }
});

test("the compiler knows what each call needs and gives", async (context) => {
  const { baseUrl } = await recorder(context, 200, { data: [], next_cursor: null });
  const client = createClient({ baseUrl, token });
  const { next_cursor: cursor } = await client.call(endpoints.keys.list);
  assert.equal(cursor, null);
  // @ts-expect-error: `params` is needed
  await failure(client.call(endpoints.keys.get));
  // @ts-expect-error: a key has no budget in this API
  await client.call(endpoints.keys.create, { input: { budget: 1 } });
});
