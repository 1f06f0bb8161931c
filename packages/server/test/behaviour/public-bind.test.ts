import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createClient, type Client } from "@portcullis/client";
import { endpoints, type Declaration } from "@portcullis/contract";
import { createSimulator } from "../../src/simulator/index.ts";
import { send, temporaryHome } from "../support/gateway.ts";
import { adminTokenOf, callersOf, explanation, furnish, serve, serveRefused } from "../support/process.ts";
import { ask, dialectIds } from "./ask.ts";

/*
 * A gateway that others reach: it has an owner, it serves models there, and nothing that administers it answers there,
 * whatever a request calls itself.
 */

/** An address of this machine that is not a loopback one. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;
const options = {
  timeout: 60_000,
  skip: outside === undefined && "this machine has no address but loopback (`ip link add dummy0 type dummy` makes one)",
};

async function claimedHome(): Promise<string> {
  const home = join(temporaryHome(), "home");
  const gate = await serve({ home });
  await gate.admin.call(endpoints.setup.claim, { input: { name: "ada" } });
  assert.equal((await gate.stop()).code, 0);
  return home;
}

interface Public {
  readonly home: string;
  /** With the address that others use. */
  readonly url: string;
  readonly adminUrl: string;
  readonly admin: Client;
}

async function servePublicly(t: TestContext, host: string): Promise<Public> {
  const home = await claimedHome();
  const gate = await serve({ home, args: ["--host", host], environment: { PORTCULLIS_ADMIN_PORT: "0" } });
  t.after(() => gate.kill());
  const [, adminUrl = ""] = await gate.printed(/^admin API on (\S+)$/m);
  const url = `http://${outside}:${new URL(gate.url).port}`;
  return { home, url, adminUrl, admin: createClient({ baseUrl: adminUrl, token: adminTokenOf(home) }) };
}

test("without an owner it does not listen where others reach it; claimed as the hint says, it does", async () => {
  const home = join(temporaryHome(), "home");
  for (const host of ["0.0.0.0", "gateway.lan"]) {
    const ended = await serveRefused({ home, args: ["--host", host], environment: { PORTCULLIS_ADMIN_PORT: "0" } });
    assert.equal(ended.code, 1, ended.stderr);
    assert.equal(ended.stdout, "", "nothing listens, and no setup code is shown");
    const { error, hint } = explanation(ended);
    assert.equal(error, `this gateway has no owner yet, so it does not listen on ${host}, where others reach it`);
    assert.equal(hint, "start it once with `--host 127.0.0.1` and claim it with `portcullis setup`");
  }
  const gate = await serve({ home, args: ["--host", "127.0.0.1"] });
  await gate.admin.call(endpoints.setup.claim, { input: { name: "ada" } });
  await gate.stop();
  const open = await serve({ home, args: ["--host", "0.0.0.0"], environment: { PORTCULLIS_ADMIN_PORT: "0" } });
  assert.equal((await open.stop()).code, 0);
});

test("models are served there, to whoever has a key", options, async (t) => {
  const simulator = createSimulator();
  const upstream = await simulator.listen();
  t.after(() => simulator.close());
  const { url, admin } = await servePublicly(t, "0.0.0.0");
  const key = await furnish(admin, upstream.url, "sk-provider-key");
  for (const dialect of dialectIds) {
    assert.equal((await ask(callersOf(url, key), dialect)).status, 200);
    assert.equal((await ask(callersOf(url, "nothing"), dialect)).status, 401);
  }
  assert.equal((await send(`${url}/healthz`, "GET", "", { authorization: null })).status, 200);
});

test("the listener of the admin plane is on loopback: its port is closed to others", options, async (t) => {
  const { adminUrl } = await servePublicly(t, "0.0.0.0");
  const { hostname, port } = new URL(adminUrl);
  assert.equal(hostname, "127.0.0.1");
  const socket = connect(Number(port), outside);
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNREFUSED");
});

/** Paths that some program would take for the given one. */
const disguises: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => `/${path}`,
  (path) => `/.${path}`,
  (path) => `/v1/..${path}`,
  (path) => `/v1/models/..%2f..${path}`,
  (path) => `/%2e%2e${path}`,
  (path) => path.replace("/api", "/%61pi"),
  (path) => path.replace("/api", "/API"),
  (path) => path.replaceAll("/", "\\"),
  (path) => `${path};/v1/models`,
  (path) => `${path}%00`,
  (path) => `${path}#/v1/models`,
  (path) => `${path}/`,
  (path) => `/openai${path}`,
  (path) => `/anthropic${path}`,
  (path) => `/v1${path}`,
  (path) => `/v1/models?${path}`,
  (path) => `http://127.0.0.1:8485${path}`,
  (path) => `http://localhost${path}`,
];

const claims: Readonly<Record<string, (admin: string) => readonly string[]>> = {
  "its own address": () => [],
  "the host of the admin plane": (admin) => [`Host: ${admin}`],
  loopback: () => ["Host: 127.0.0.1"],
  localhost: () => ["Host: localhost:8485"],
  "a forwarded address": (admin) => [
    "X-Forwarded-For: 127.0.0.1",
    `X-Forwarded-Host: ${admin}`,
    "Forwarded: for=127.0.0.1",
  ],
  "a rewritten path": () => ["X-Original-URL: /api/v1/status", "X-Rewrite-URL: /api/v1/status"],
};

/** The whole answer to a request that is written as it stands. */
async function exchange(url: string, method: string, target: string, headers: readonly string[]): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined);
  const own = headers.some((line) => line.startsWith("Host:")) ? headers : [`Host: ${host}`, ...headers];
  socket.end([`${method} ${target} HTTP/1.1`, ...own, "Connection: close", "", ""].join("\r\n"));
  await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}

const declarations: readonly Declaration[] = Object.values(endpoints).flatMap((resource) => Object.values(resource));

test("no admin route answers there, with the right token, under any name and any spelling", options, async (t) => {
  const { home, url, adminUrl } = await servePublicly(t, "0.0.0.0");
  const token = [`Authorization: Bearer ${adminTokenOf(home)}`, "Content-Length: 0"];
  const fromAdmin =
    /^HTTP\/1\.1 (\d+)[^]*(application\/problem\+json|"providers_with_keys"|cache-control: no-store[^]*"data")/i;
  assert.match(await exchange(adminUrl, "GET", "/api/v1/status", token), fromAdmin, "on its own listener it answers");
  assert.match(await exchange(adminUrl, "GET", "/api/v1/nothing", token), fromAdmin);

  let asked = 0;
  for (const { method, path } of declarations) {
    const target = path.replaceAll(/\{\w+\}/g, "some-id");
    for (const disguise of disguises) {
      // Every way of spelling for one of them, every one of them for the plain spelling.
      if (disguise !== disguises[0] && path !== "/api/v1/status") continue;
      for (const [who, claim] of Object.entries(claims)) {
        const answer = await exchange(url, method, disguise(target), [...claim(new URL(adminUrl).host), ...token]);
        const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
        const what = `${method} ${disguise(target)} as ${who} → ${answer}`;
        assert.doesNotMatch(answer, fromAdmin, what);
        // `/v1/models?…` is what it says: a list of models, for which this token is no key.
        assert.ok(status >= 400 && status < 500, what);
        asked += 1;
      }
    }
  }
  assert.ok(asked >= declarations.length * Object.keys(claims).length);
});

test("on the shared listener of loopback the same routes answer: what is asked above could be answered", async (t) => {
  const gate = await serve({ home: join(temporaryHome(), "home") });
  t.after(() => gate.kill());
  const answer = await exchange(gate.url, "GET", "/api/v1/status", [
    `Authorization: Bearer ${adminTokenOf(gate.home)}`,
  ]);
  assert.match(answer, /^HTTP\/1\.1 200 /);
});
