import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { openListener, type Listener } from "./listener.ts";

/*
 * Raw bytes against a real listener: what is refused never reaches a plane. Each row: a name, the request head, and the
 * status that answers it.
 */
let listener: Listener;
const reached: string[] = [];

before(async () => {
  listener = await openListener(
    {
      host: "127.0.0.1",
      port: 0,
      rules: { hosts: new Set(["gate.example"]), origins: new Set(["https://app.example"]) },
      headTimeoutMs: 2000,
      bodyTimeoutMs: 2000,
      keepAliveMs: 1000,
      drainMs: 100,
    },
    [
      (request, response, path) => {
        reached.push(path);
        request.resume();
        response.end("ok");
        return true;
      },
    ],
    (_request, response, _path, error) => {
      response.writeHead(error.status).end(error.code);
    },
  );
});
after(() => listener.close());

function send(head: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(listener.port, "127.0.0.1", () => socket.write(head.replaceAll("\n", "\r\n")));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      const [, length] = /content-length: (\d+)/i.exec(answer) ?? [];
      const bodyAt = answer.indexOf("\r\n\r\n") + 4;
      if (bodyAt > 3 && answer.length >= bodyAt + Number(length ?? 0)) socket.destroy();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", () => resolve(answer));
    socket.setTimeout(500, () => socket.destroy());
  });
}

const good: readonly (readonly [string, string])[] = [
  ["a plain request", "GET /v1/models HTTP/1.1\nHost: localhost:8484\n\n"],
  ["a query", "GET /v1/messages?beta=true HTTP/1.1\nHost: 127.0.0.1\n\n"],
  ["an IPv6 literal as Host", "GET / HTTP/1.1\nHost: [::1]:8484\n\n"],
  ["a configured Host", "GET / HTTP/1.1\nHost: Gate.Example\n\n"],
  ["a configured Origin", "GET / HTTP/1.1\nHost: gate.example\nOrigin: https://app.example\n\n"],
  ["its own Origin", "GET / HTTP/1.1\nHost: localhost:8484\nOrigin: http://localhost:8484\n\n"],
  ["a chunked body", "POST /x HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n0\n\n"],
];

for (const [name, head] of good) {
  test(`${name} is taken`, async () => assert.match(await send(head), /^HTTP\/1\.1 200/));
}

const bad: readonly (readonly [string, string, RegExp])[] = [
  ["two Host headers", "GET / HTTP/1.1\nHost: localhost\nHost: localhost\n\n", / 400 /],
  ["an empty Host", "GET / HTTP/1.1\nHost:\n\n", / 403 /],
  ["no Host", "GET / HTTP/1.1\n\n", / 400 /],
  ["a foreign Host", "GET / HTTP/1.1\nHost: evil.example\n\n", / 403 /],
  ["a Host with user info", "GET / HTTP/1.1\nHost: localhost@evil.example\n\n", / 403 /],
  ["a Host with a path", "GET / HTTP/1.1\nHost: localhost/x\n\n", / 403 /],
  ["two Authorization headers", "GET / HTTP/1.1\nHost: localhost\nAuthorization: a\nAuthorization: b\n\n", / 400 /],
  ["two x-api-key headers in other case", "GET / HTTP/1.1\nHost: localhost\nx-api-key: a\nX-API-KEY: b\n\n", / 400 /],
  ["an absolute target", "GET http://localhost/ HTTP/1.1\nHost: localhost\n\n", / 400 /],
  ["a double slash", "GET //v1/models HTTP/1.1\nHost: localhost\n\n", / 400 /],
  ["a dot segment", "GET /v1/../api HTTP/1.1\nHost: localhost\n\n", / 400 /],
  ["an encoded dot", "GET /v1/%2e%2e/api HTTP/1.1\nHost: localhost\n\n", / 400 /],
  ["an encoded slash", "GET /v1%2fmodels HTTP/1.1\nHost: localhost\n\n", / 400 /],
  ["a backslash", "GET /v1\\models HTTP/1.1\nHost: localhost\n\n", / 400 /],
  ["a fragment", "GET /v1#x HTTP/1.1\nHost: localhost\n\n", / 400 /],
  ["HTTP/2.0 in the request line", "GET / HTTP/2.0\nHost: localhost\n\n", / (400|505) /],
  [
    "a list of transfer encodings",
    "POST / HTTP/1.1\nHost: localhost\nTransfer-Encoding: gzip, chunked\n\n0\n\n",
    / 400 /,
  ],
  [
    "a length and chunks",
    "POST / HTTP/1.1\nHost: localhost\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n",
    / 400 /,
  ],
  ["two lengths", "POST / HTTP/1.1\nHost: localhost\nContent-Length: 0\nContent-Length: 0\n\n", / 400 /],
  ["a GET with a body", "GET / HTTP/1.1\nHost: localhost\nContent-Length: 3\n\nabc", / 400 /],
  [
    "a Connection that strips headers",
    "GET / HTTP/1.1\nHost: localhost\nConnection: keep-alive, authorization\n\n",
    / 400 /,
  ],
  ["a foreign Origin", "GET / HTTP/1.1\nHost: localhost\nOrigin: https://evil.example\n\n", / 403 /],
  ["a null Origin", "GET / HTTP/1.1\nHost: localhost\nOrigin: null\n\n", / 403 /],
  ["a cross-site fetch without Origin", "GET / HTTP/1.1\nHost: localhost\nSec-Fetch-Site: cross-site\n\n", / 403 /],
];

const unreadable: readonly (readonly [string, string, RegExp])[] = [
  ["no request at all", "hello\n\n", / 400 [\s\S]*"code":"invalid_request"/],
  [
    "a head past every size",
    `GET / HTTP/1.1\nHost: localhost\nX: ${"x".repeat(70_000)}\n\n`,
    / 431 [\s\S]*"code":"head_too_large"/,
  ],
];

for (const [name, head, answer] of unreadable) {
  test(`${name} gets an answer that says so, and the connection is closed`, async () => {
    const got = await send(head);
    assert.match(got, answer);
    assert.match(got, /connection: close/);
  });
}

describe("refused before anything is decided", () => {
  for (const [name, head, status] of bad) {
    test(name, async () => {
      reached.length = 0;
      assert.match((await send(head)).split("\r\n")[0] ?? "", status);
      assert.deepEqual(reached, []);
    });
  }
});
