import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo, LookupFunction } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { certificateObstacle, createCertificate } from "../../test/support/tls-certificate.ts";
import { openWebServer, type WebFault } from "../../test/support/web-server.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { bearer } from "./encoding.ts";
import { createHttpCaller, type HttpLimits, type HttpRequest } from "./http.ts";

const token = new Secret("token-canary-0123456789");
const request = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  url,
  method: "GET",
  headers: { authorization: bearer(token) },
  what: "a secret",
  ...more,
});

async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.doesNotMatch(`${error.message} ${String(error.detail)} ${String(error.hint)}`, /canary/);
  return error;
}

test("a call carries method, headers and body, and answers with whatever status came", async () => {
  const server = await openWebServer(() => ({ status: 418, body: "short and stout" }));
  const call = createHttpCaller();
  const reply = await call(request(`${server.url}/v1/x?a=b`, { method: "POST", body: Buffer.from("{}") }));
  assert.deepEqual(reply, { status: 418, text: "short and stout" });
  const [asked] = server.requests;
  assert.equal(`${asked?.method} ${asked?.url.pathname}${asked?.url.search} ${asked?.body}`, "POST /v1/x?a=b {}");
  assert.equal(asked?.headers.authorization, "Bearer token-canary-0123456789");
  await server.pause();
});

const misbehaviours: readonly (readonly [WebFault, string])[] = [
  ["silent", "external_timeout"],
  ["dripping", "external_timeout"],
  ["huge", "external_unreadable"],
  ["reset", "external_unreachable"],
  ["compressed", "external_unreadable"],
];

for (const [fault, code] of misbehaviours) {
  test(`a server that is ${fault} ends as ${code}, in time`, async () => {
    const server = await openWebServer(() => ({ status: 200, body: {} }));
    server.fault = fault;
    const call = createHttpCaller({ timeoutMs: 500 });
    const before = performance.now();
    const error = await failure(call(request(server.url)));
    assert.equal(error.code, code);
    assert.match(error.message, /127\.0\.0\.1:\d+/);
    assert.ok(performance.now() - before < 3_000);
    await server.pause();
  });
}

test("a redirect is an answer and never followed", async () => {
  const server = await openWebServer(() => ({ status: 200, body: {} }));
  server.fault = "redirect";
  assert.equal((await createHttpCaller()(request(server.url))).status, 302);
  assert.equal(server.requests.length, 1);
  await server.pause();
});

test("what is no HTTP, and a port where nothing listens, are told apart", async () => {
  const babble = createServer((socket) => socket.on("error", () => undefined).end("220 mail.example ready\r\n"));
  babble.listen(0, "127.0.0.1").unref();
  await once(babble, "listening");
  const { port } = babble.address() as AddressInfo;
  assert.equal((await failure(createHttpCaller()(request(`http://127.0.0.1:${port}/`)))).code, "external_unreadable");
  const away = await openWebServer(() => ({ status: 200 }));
  await away.pause();
  const error = await failure(createHttpCaller()(request(away.url)));
  assert.match(error.message, /could not be reached: nothing listens there/);
});

test("plain http goes to no public address, whether it is written or looked up", async () => {
  const lookups: LookupFunction = (_name, _options, callback) =>
    callback(null, [{ address: "93.184.216.34", family: 4 }] as never);
  for (const [url, limits] of [
    ["http://93.184.216.34/", {}],
    ["http://[2606:2800:220:1::1]/", {}],
    ["http://0x5db8d822/", {}],
    ["http://[::ffff:93.184.216.34]/", {}],
    ["http://vault.example/", { lookup: lookups }],
  ] as readonly (readonly [string, HttpLimits])[]) {
    const error = await failure(createHttpCaller({ ...limits, timeoutMs: 500 })(request(url)));
    assert.match(error.message, /plain http is not spoken to a public address/, url);
  }
  const error = await failure(createHttpCaller()(request("ftp://127.0.0.1/")));
  assert.match(error.message, /neither https nor http/);
});

test("an address that is none is told without being repeated", async () => {
  const error = await failure(createHttpCaller()(request("https://user:canary@[broken")));
  assert.equal(error.code, "external_unconfigured");
});

test("a token that would break the head of a request is not sent", async () => {
  const server = await openWebServer(() => ({ status: 200, body: {} }));
  const broken = new Secret("canary\r\nx-injected: yes");
  const error = await failure(createHttpCaller()(request(server.url, { headers: { "x-vault-token": broken } })));
  assert.equal(error.code, "external_unconfigured");
  assert.equal(server.requests.length, 0);
  await server.pause();
});

test("a certificate counts only if its authority is known and it is for that name", {
  skip: certificateObstacle(),
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), "portcullis-ca-"));
  const [good, other] = [createCertificate("127.0.0.1"), createCertificate("other.example")];
  const [goodFile, otherFile] = [join(directory, "good.pem"), join(directory, "other.pem")];
  writeFileSync(goodFile, good.cert);
  writeFileSync(otherFile, other.cert);
  const server = await openWebServer(() => ({ status: 200, body: "ok" }), good);
  const misnamed = await openWebServer(() => ({ status: 200, body: "ok" }), other);

  assert.equal((await createHttpCaller({ caFile: goodFile })(request(server.url))).text, "ok");
  const unknown = await failure(createHttpCaller()(request(server.url)));
  assert.match(unknown.message, /certificate is not trusted/);
  const wrong = await failure(createHttpCaller({ caFile: otherFile })(request(misnamed.url)));
  assert.match(wrong.message, /certificate is for another name/);
  const missing = await failure(createHttpCaller({ caFile: join(directory, "none.pem") })(request(server.url)));
  assert.equal(missing.code, "file_failed");
  assert.equal(server.requests.length, 1);
  assert.equal(misnamed.requests.length, 0);
  await Promise.all([server.pause(), misnamed.pause(), rm(directory, { recursive: true })]);
});
