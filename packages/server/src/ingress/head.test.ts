import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { rawConnection } from "../../test/support/raw-connection.ts";
import type { RawReply } from "../../test/support/raw-reply.ts";
import { openListener, type Listener } from "./listener.ts";
import { headRules } from "./rules.ts";

/* Raw bytes against a real listener: what is refused never reaches a plane. */

let listener: Listener;
const reached: string[] = [];
const rules = { hosts: new Set(["gate.example"]), origins: new Set(["https://app.example"]) };

before(async () => {
  listener = await openListener(
    {
      host: "127.0.0.1",
      port: 0,
      rules,
      headTimeoutMs: 2000,
      bodyTimeoutMs: 2000,
      writeTimeoutMs: 2000,
      maxConnections: 100,
      maxConnectionsPerAddress: 100,
      keepAliveMs: 1000,
    },
    [
      (request, response, path) => {
        reached.push(path);
        request.resume();
        response.end("ok");
        return true;
      },
    ],
    (request, response, _path, error) => {
      const rule = headRules.find(({ check }) => check(request, rules) !== undefined);
      response.writeHead(error.status, { "x-rule": rule?.name ?? "none" }).end(`${error.code}: ${error.message}`);
    },
  );
});
after(() => listener.close());

/** The reply to these bytes (line ends as `\n`), and whether the connection was closed with it. */
async function send(text: string): Promise<RawReply & { readonly closed: boolean }> {
  reached.length = 0;
  const connection = await rawConnection(listener.port);
  connection.socket.write(text.replaceAll("\n", "\r\n"), "latin1");
  const { replies, rest } = await connection.until(({ replies: [reply] }) => reply !== undefined);
  const [reply] = replies;
  assert.ok(reply !== undefined, `no reply, but: ${rest.toString()}`);
  if (reply.headers["connection"] === "close") await connection.until(() => false);
  connection.socket.destroy();
  return { ...reply, closed: connection.ended };
}

describe("a head in order is taken:", () => {
  const good: readonly (readonly [string, string])[] = [
    ["a plain request", "GET /v1/models HTTP/1.1\nHost: localhost:8484\n\n"],
    ["one of HTTP/1.0, as some proxies send it", "GET /v1/models HTTP/1.0\nHost: localhost:8484\n\n"],
    ["a query", "GET /v1/messages?beta=true&x=%2e%2e/..//[] HTTP/1.1\nHost: 127.0.0.1\n\n"],
    [
      "a path with colons, dots and encoded text",
      "GET /v1beta/models/a-1.5:b/x..y/.z/%C3%BC%20 HTTP/1.1\nHost: localhost\n\n",
    ],
    ["an IPv6 literal as Host", "GET / HTTP/1.1\nHost: [::1]:8484\n\n"],
    ["another address as Host", "GET / HTTP/1.1\nHost: 192.0.2.7\n\n"],
    ["a configured Host", "GET / HTTP/1.1\nHost: Gate.Example\n\n"],
    ["a configured Origin", "GET / HTTP/1.1\nHost: gate.example\nOrigin: https://app.example\n\n"],
    ["its own Origin", "GET / HTTP/1.1\nHost: localhost:8484\nOrigin: http://localhost:8484\n\n"],
    ["a page of its own site", "GET / HTTP/1.1\nHost: localhost\nSec-Fetch-Site: same-origin\n\n"],
    ["a chunked body", "POST /x HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n0\n\n"],
    ["an empty body of a GET", "GET / HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n"],
    [
      "a body that says it is plain",
      "POST / HTTP/1.1\nHost: localhost\nContent-Length: 0\nContent-Encoding: identity\n\n",
    ],
    ["a list of known connection options", "GET / HTTP/1.1\nHost: localhost\nConnection: TE, Keep-Alive\n\n"],
    ["a tab in a header", "GET / HTTP/1.1\nHost: localhost\nX: a\tb\n\n"],
    ["as many headers as there may be", `GET / HTTP/1.1\nHost: localhost\n${"X: y\n".repeat(127)}\n`],
  ];

  for (const [name, text] of good) {
    test(name, async () => {
      const { status, body } = await send(text);
      assert.equal(status, 200, body.toString());
      assert.equal(reached.length, 1);
    });
  }
});

describe("refused before anything is decided:", () => {
  for (const { name, example, closes } of headRules) {
    test(name, async () => {
      const { status, closed, body, headers } = await send(`${example}\n\n`);
      assert.ok(status >= 400 && status < 500, String(status));
      assert.equal(headers["x-rule"], name, "the example is one of this rule and of no rule before it");
      assert.equal(closed, closes, body.toString());
      assert.deepEqual(reached, []);
    });
  }
});

test("what stands behind a head in doubt is not taken for a request", async () => {
  for (const { example } of headRules.filter(({ closes }) => closes)) {
    await send(`${example}\n\nGET /behind HTTP/1.1\nHost: localhost\n\n`);
    assert.deepEqual(reached, [], example);
  }
});

describe("and in every spelling:", () => {
  const bad: readonly (readonly [name: string, text: string, status: number, code: string])[] = [
    ["two Host headers", "GET / HTTP/1.1\nHost: localhost\nHost: localhost\n\n", 400, "invalid_request"],
    ["an empty Host", "GET / HTTP/1.1\nHost:\n\n", 400, "invalid_request"],
    ["no Host", "GET / HTTP/1.1\n\n", 400, "invalid_request"],
    ["no Host in HTTP/1.0", "GET / HTTP/1.0\n\n", 400, "invalid_request"],
    ["HTTP/0.9", "GET /\n\n", 400, "invalid_request"],
    ["a foreign Host", "GET / HTTP/1.1\nHost: evil.example\n\n", 403, "host_not_allowed"],
    ["a Host that begins like ours", "GET / HTTP/1.1\nHost: localhost.evil.example\n\n", 403, "host_not_allowed"],
    ["a Host with user info", "GET / HTTP/1.1\nHost: localhost@evil.example\n\n", 400, "invalid_request"],
    ["a Host with a path", "GET / HTTP/1.1\nHost: localhost/x\n\n", 400, "invalid_request"],
    ["a Host with a query", "GET / HTTP/1.1\nHost: localhost?x\n\n", 400, "invalid_request"],
    ["a Host with two ports", "GET / HTTP/1.1\nHost: localhost:1:2\n\n", 400, "invalid_request"],
    ["a list of Hosts", "GET / HTTP/1.1\nHost: localhost, evil.example\n\n", 400, "invalid_request"],
    [
      "two x-api-key headers",
      "GET / HTTP/1.1\nHost: localhost\nx-api-key: a\nX-API-KEY: b\n\n",
      400,
      "invalid_request",
    ],
    [
      "two keys in the header of another gateway",
      "GET / HTTP/1.1\nHost: localhost\nx-portkey-api-key: a\nX-Portkey-Api-Key: b\n\n",
      400,
      "invalid_request",
    ],
    ["an absolute target", "GET http://localhost/ HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a target that is a star", "OPTIONS * HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a double slash", "GET //v1/models HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a double slash inside", "GET /v1//models HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a dot segment", "GET /v1/../api HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a dot segment at the end", "GET /v1/.. HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a single dot", "GET /v1/./models HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a dot segment with parameters", "GET /v1/..;x/api HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["an encoded dot, encoded again", "GET /v1/%252E%252e/api HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["an encoded slash", "GET /v1%2Fmodels HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["an encoded backslash", "GET /v1%5cmodels HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["an encoded zero byte", "GET /v1%00 HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["an encoded line end", "GET /v1%0d%0aX:%20y HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a backslash", "GET /v1\\models HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a backslash in the query", "GET /v1?x=\\ HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a fragment", "GET /v1#x HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a fragment behind a query", "GET /v1?x#y HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a long query", `GET /?${"x".repeat(9_000)} HTTP/1.1\nHost: localhost\n\n`, 414, "target_too_long"],
    ["a head past every size", `GET / HTTP/1.1\nHost: localhost\nX: ${"x".repeat(70_000)}\n\n`, 431, "head_too_large"],
    ["no request at all", "hello\n\n", 400, "invalid_request"],
    ["TLS where none is spoken", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400, "invalid_request"],
    ["HTTP/2 right away", "PRI * HTTP/2.0\n\nSM\n\n", 400, "invalid_request"],
    ["a tunnel", "CONNECT evil.example:443 HTTP/1.1\nHost: evil.example:443\n\n", 400, "invalid_request"],
    ["a folded header", "GET / HTTP/1.1\nHost: localhost\nX: a\n b\n\n", 400, "invalid_request"],
    ["a control character in a header", "GET / HTTP/1.1\nHost: localhost\nX: a\x01b\n\n", 400, "invalid_request"],
    ["a byte beyond ASCII in the target", "GET /\xe9 HTTP/1.1\nHost: localhost\n\n", 400, "invalid_request"],
    ["a byte beyond ASCII in the key", "GET / HTTP/1.1\nHost: localhost\nX-Api-Key: \xe9\n\n", 400, "invalid_request"],
    [
      "chunks in HTTP/1.0",
      "POST / HTTP/1.0\nHost: localhost\nTransfer-Encoding: chunked\n\n0\n\n",
      400,
      "invalid_request",
    ],
    [
      "two lengths",
      "POST / HTTP/1.1\nHost: localhost\nContent-Length: 0\nContent-Length: 0\n\n",
      400,
      "invalid_request",
    ],
    [
      "a GET with chunks",
      "GET / HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n0\n\n",
      400,
      "invalid_request",
    ],
    [
      "an upgrade",
      "GET / HTTP/1.1\nHost: localhost\nConnection: upgrade\nUpgrade: websocket\n\n",
      400,
      "invalid_request",
    ],
    [
      "two expectations",
      "POST / HTTP/1.1\nHost: localhost\nContent-Length: 1\nExpect: 100-continue, x\n\n",
      417,
      "expectation_failed",
    ],
    ["a null Origin", "GET / HTTP/1.1\nHost: localhost\nOrigin: null\n\n", 403, "origin_not_allowed"],
    [
      "a cross-site fetch without Origin",
      "GET / HTTP/1.1\nHost: localhost\nSec-Fetch-Site: cross-site\n\n",
      403,
      "origin_not_allowed",
    ],
    [
      "several encodings",
      "POST / HTTP/1.1\nHost: localhost\nContent-Length: 0\nContent-Encoding: br, gzip\n\n",
      415,
      "content_encoding_unsupported",
    ],
  ];

  /** What leaves no doubt about where the request ends. */
  const stays: ReadonlySet<string> = new Set(["origin_not_allowed", "content_encoding_unsupported"]);

  for (const [name, text, status, code] of bad) {
    test(name, async () => {
      const reply = await send(text);
      assert.equal(reply.status, status, reply.body.toString());
      assert.match(reply.body.toString(), new RegExp(code));
      assert.equal(reply.closed, !stays.has(code));
      assert.deepEqual(reached, []);
    });
  }
});
