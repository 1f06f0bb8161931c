import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openHashicorpServer, type HashicorpServer } from "../../../test/support/hashicorp-server.ts";
import { fakeClock } from "../../kernel/clock.ts";
import { Secret } from "../../kernel/secret.ts";
import { createHashicorpClient } from "./client.ts";
import type { HashicorpAuth, HashicorpClient } from "./options.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-hashicorp-"));
after(() => rmSync(directory, { recursive: true }));
const code = (expected: string) => ({ name: "AppError", code: expected });

interface Opened {
  readonly server: HashicorpServer;
  readonly client: HashicorpClient;
  readonly clock: ReturnType<typeof fakeClock>;
  /** Paths that were asked for since the last look. */
  asked(): readonly string[];
  read(): Promise<unknown>;
}

async function open(
  auth: (server: HashicorpServer) => HashicorpAuth,
  {
    namespace,
    ...options
  }: { readonly namespace?: string; readonly seconds?: number; readonly maxSeconds?: number } = {},
): Promise<Opened> {
  const clock = fakeClock();
  const server = await openHashicorpServer({ clock, ...options, ...(namespace === undefined ? {} : { namespace }) });
  after(() => server.pause());
  server.put("secret/openai", { api_key: "sk-1" });
  const client = createHashicorpClient({ address: `${server.url}/`, namespace, auth: auth(server), clock });
  return {
    server,
    client,
    clock,
    asked: () => server.requests.splice(0).map(({ url }) => url.pathname.replace("/v1/", "")),
    read: () => client.call("GET", "secret/data/openai"),
  };
}

const approle = ({ roleId, secretId }: HashicorpServer): HashicorpAuth => ({
  method: "approle",
  roleId,
  secretId: new Secret(secretId),
});

test("a token that was given is used as it is, and nobody logs in", async () => {
  const { read, asked } = await open(({ rootToken }) => ({ method: "token", token: new Secret(rootToken) }));
  await read();
  await read();
  assert.deepEqual(asked(), ["auth/token/lookup-self", "secret/data/openai", "secret/data/openai"]);
});

test("one login serves all calls, those at the same time too", async () => {
  const { read, asked } = await open(approle);
  await Promise.all([read(), read(), read()]);
  assert.deepEqual(
    asked().filter((path) => path.startsWith("auth/")),
    ["auth/approle/login"],
  );
});

test("a login is renewed before it ends, and made anew when renewals move its end no more", async () => {
  const { read, asked, clock } = await open(approle, { seconds: 60, maxSeconds: 150 });
  await read();
  const ways: string[] = [];
  for (let step = 0; step < 8; step++) {
    clock.advance(45_000);
    await read();
    ways.push(
      asked()
        .filter((path) => path.startsWith("auth/"))
        .at(-1) ?? "",
    );
  }
  assert.equal(ways[0], "auth/token/renew-self");
  assert.ok(ways.includes("auth/approle/login"), ways.join());
});

test("a token that has ended, or was revoked, is replaced and the call made once more", async () => {
  const { read, asked, clock, server } = await open(approle, { seconds: 60 });
  await read();
  server.revokeAll();
  await read();
  assert.deepEqual(asked().slice(2), ["secret/data/openai", "auth/approle/login", "secret/data/openai"]);
  clock.advance(3_600_000);
  await read();
});

test("a refusal that another login does not mend is told once, without repeating what the server said", async () => {
  const { read, asked, server } = await open(approle);
  server.allowed = false;
  await assert.rejects(read(), (error: Error) => {
    assert.match(error.message, /127\.0\.0\.1:\d+ refused `secret\/data\/openai` \(status 403\)/);
    assert.doesNotMatch(error.message, /permission denied/);
    return true;
  });
  assert.equal(asked().filter((path) => path === "secret/data/openai").length, 2);
});

test("wrong proof, a sealed server and one that is away are three errors", async () => {
  const { read, server } = await open(({ roleId }) => ({ method: "approle", roleId, secretId: new Secret("wrong") }));
  await assert.rejects(read(), code("external_failed"));
  server.sealed = true;
  await assert.rejects(read(), { code: "external_failed", message: /status 503/ });
  await server.pause();
  await assert.rejects(read(), code("external_unreachable"));
});

test("while a renewal fails, a token that is still good is used", async () => {
  const { read, clock, server } = await open(approle, { seconds: 90 });
  await read();
  clock.advance(70_000);
  server.fault = "malformed"; // login and renewal answer nonsense
  await assert.rejects(read(), code("external_unreadable")); // the call itself does too; what counts is the token
  server.fault = undefined;
  server.requests.splice(0);
  await read();
  assert.deepEqual(
    server.requests.map(({ url }) => url.pathname),
    ["/v1/secret/data/openai"],
  );
});

test("a Kubernetes service account logs in with the token of its file, as the file is then", async () => {
  const file = join(directory, "jwt");
  const { read, server } = await open(({ jwt }) => {
    writeFileSync(file, `${jwt}\n`);
    return { method: "kubernetes", role: "gateway", jwt: { file } };
  });
  await read();
  server.jwt = "eyJ.next.sig";
  writeFileSync(file, server.jwt);
  server.revokeAll();
  await read();
});

test("a token in a file is read anew when the one before is refused", async () => {
  const file = join(directory, "token");
  const { read, server } = await open((found) => {
    writeFileSync(file, found.issue({ seconds: 600, renewable: false }));
    return { method: "token", token: { file } };
  });
  await read();
  server.revokeAll();
  await assert.rejects(read(), code("external_refused"));
  writeFileSync(file, server.issue({ seconds: 600, renewable: false }));
  await read();
});

test("a given token with an end is renewed", async () => {
  const { read, asked, clock } = await open(
    (server) => ({ method: "token", token: new Secret(server.issue({ seconds: 60, renewable: true })) }),
    { seconds: 60 },
  );
  for (let step = 0; step < 5; step++) {
    await read();
    clock.advance(45_000);
  }
  assert.ok(asked().includes("auth/token/renew-self"));
});

test("a namespace goes with every call, the login among them", async () => {
  const { read, server } = await open(approle, { namespace: "team-ai" });
  await read();
  assert.ok(server.requests.every(({ headers }) => headers["x-vault-namespace"] === "team-ai"));
});

test("a path cannot leave its place, and odd characters reach the server as they are", async () => {
  const { client, asked, server } = await open(approle);
  server.put("secret/a b/ü?#", { api_key: "x" });
  await assert.rejects(client.call("GET", "secret/data/../../sys/raw"), code("external_not_found"));
  assert.deepEqual(asked().at(-1), "secret/data/sys/raw");
});
