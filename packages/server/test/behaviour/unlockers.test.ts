import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { endpoints } from "@portcullis/contract";
import { createSimulator } from "../../src/simulator/index.ts";
import { send, temporaryHome } from "../support/gateway.ts";
import { openTransitServer } from "../support/hashicorp-transit.ts";
import { keyRingSkip, withKeyRing, withSilentBus, type Session } from "../support/key-ring.ts";
import { callersOf, cli, explanation, furnish, serve, serveRefused, type GatewayProcess } from "../support/process.ts";
import { ask, assertRefused } from "./ask.ts";

/*
 * What unlocks the vault of a gateway as it is run: what a first start chooses, what every start says of it, and what
 * becomes of requests while the key is somewhere that does not answer.
 */

const directory = mkdtempSync(join(tmpdir(), "portcullis-unlockers-"));
after(() => rmSync(directory, { recursive: true, force: true }));
let count = 0;
function freshDirectory(): string {
  const path = join(directory, String(count++));
  mkdirSync(path);
  return path;
}
const newHome = (): string => join(temporaryHome(), "home");
const readiness = async (gate: GatewayProcess): Promise<number> => (await send(`${gate.url}/readyz`, "GET", "")).status;

/** The line that every start writes about its vault. */
function vaultLine(stderr: string): string {
  return stderr.split("\n").find((line) => line.includes("the vault is")) ?? "";
}

async function withGate<Result>(
  options: Parameters<typeof serve>[0],
  use: (gate: GatewayProcess) => Promise<Result>,
): Promise<Result> {
  const gate = await serve(options);
  try {
    return await use(gate);
  } finally {
    await gate.stop();
  }
}

test("with no session bus a first start makes a key file at once, and says why at every start", async () => {
  const home = newHome();
  const first = await withGate({ home }, async (gate) => vaultLine(gate.stderr()));
  assert.match(first, /key-file/);
  assert.match(first, /the key ring cannot be used: there is no D-Bus session bus here/);
  assert.ok(existsSync(join(home, "root.key")));
  const second = await withGate({ home }, async (gate) => vaultLine(gate.stderr()));
  assert.match(second, /key-file.*a key file opened it: whoever reads that file and the database reads every secret/);
});

test("on a desktop a first start takes the key ring; locked, the gateway waits sealed and says so", {
  skip: keyRingSkip(),
}, async () => {
  const [home, place] = [newHome(), freshDirectory()];
  const start = (session: Session, use: (gate: GatewayProcess) => Promise<void>): Promise<void> =>
    withGate({ home, environment: session }, use);
  await withKeyRing("unlocked", place, async (session) => {
    await start(session, async (gate) => {
      assert.match(vaultLine(gate.stderr()), /key-ring.*the key ring of the operating system works/);
      assert.ok(!existsSync(join(home, "root.key")));
      const spare = { home, url: gate.url, environment: { WORDS: "correct horse battery staple" } };
      const added = await cli(["vault", "slots", "add", "passphrase", "--from-env", "WORDS"], spare);
      assert.equal(added.code, 0, added.stderr);
    });
    await start(session, async (gate) => {
      assert.match(vaultLine(gate.stderr()), /key-ring.*the key ring of the operating system opened it/);
      assert.equal(await readiness(gate), 200);
    });
  });
  await withKeyRing("locked", place, async (session) => {
    await start(session, async (gate) => {
      assert.match(vaultLine(gate.stderr()), /sealed.*the key ring of the operating system is locked/);
      assert.equal(await readiness(gate), 503);
      const again = await cli(["vault", "unseal", "--auto"], { home, url: gate.url });
      assert.notEqual(again.code, 0);
      assert.equal(explanation(again).error, "the key ring of the operating system is locked");
      const words = await cli(["vault", "unseal"], { home, url: gate.url, input: "correct horse battery staple\n" });
      assert.equal(words.code, 0, words.stderr);
      assert.equal(await readiness(gate), 200);
    });
  });
});

test("a session bus that never answers costs a first start three seconds, and a key file is made", {
  skip: process.platform !== "linux" && "is about Linux",
}, async () => {
  await withSilentBus(freshDirectory(), async (session) => {
    const home = newHome();
    await withGate({ home, environment: session }, async (gate) => {
      assert.match(vaultLine(gate.stderr()), /key-file.*did not answer within 3 s/);
      assert.equal(await readiness(gate), 200);
    });
  });
});

test("`vault.unlocker: key-file` asks no key ring", async () => {
  await withSilentBus(freshDirectory(), async (session) => {
    const environment = { ...session, PORTCULLIS_VAULT_UNLOCKER: "key-file" };
    await withGate({ home: newHome(), environment }, async (gate) => {
      assert.match(vaultLine(gate.stderr()), /key-file.*`vault\.unlocker` says so/);
    });
  });
});

test("a credential that systemd hands to the service is the key file", async () => {
  const credentials = freshDirectory();
  writeFileSync(join(credentials, "portcullis-root-key"), Buffer.alloc(32, 7), { mode: 0o400 });
  const home = newHome();
  const environment = { CREDENTIALS_DIRECTORY: credentials };
  const line = await withGate({ home, environment }, async (gate) => vaultLine(gate.stderr()));
  assert.match(line, /key-file.*the system gives this service a key file/);
  assert.ok(!existsSync(join(home, "root.key")));
  const without = await serveRefused({ home });
  assert.equal(without.code, 1);
  assert.match(explanation(without).error, /its key file \S+ is missing/);
});

async function transitPlace(t: TestContext) {
  const server = await openTransitServer();
  t.after(() => server.close());
  server.createKey("portcullis");
  const environment = {
    PORTCULLIS_VAULT_TRANSIT: "transit/portcullis",
    VAULT_ADDR: server.url,
    VAULT_TOKEN: server.token,
  };
  return { server, environment };
}

test("a gateway whose key service is away starts sealed, refuses in words, and serves once the service is back", async (t) => {
  const simulator = createSimulator();
  const upstream = await simulator.listen();
  t.after(() => simulator.close());
  const { server, environment } = await transitPlace(t);
  const home = newHome();
  const key = await withGate({ home, environment }, async (gate) => {
    assert.match(vaultLine(gate.stderr()), /transit.*`vault\.transit` is set/);
    return furnish(gate.admin, upstream.url, "sk-provider-key");
  });
  await server.pause();
  await withGate({ home, environment }, async (gate) => {
    assert.match(vaultLine(gate.stderr()), /sealed.*the key transit\/portcullis of Transit cannot be used/);
    const callers = callersOf(gate.url, key);
    assertRefused("openai-chat", await ask(callers, "openai-chat"), 503, "vault_sealed");
    const again = await cli(["vault", "unseal", "--auto"], { home, url: gate.url });
    assert.match(explanation(again).error, /could not be reached/);
    await server.resume();
    for (let tries = 0; tries < 200 && (await readiness(gate)) !== 200; tries++) await wait(50);
    assert.equal((await ask(callers, "openai-chat")).status, 200);
    assert.equal((await gate.admin.call(endpoints.status.get)).vault, "unsealed");
    assert.ok(!`${gate.stderr()}${gate.stdout()}`.includes(server.token), "the token is in no line");
  });
});

test("a first start that names a key service is refused while the service is away: nothing takes its place", async (t) => {
  const { server, environment } = await transitPlace(t);
  await server.pause();
  const home = newHome();
  const ended = await serveRefused({ home, environment });
  assert.equal(ended.code, 1);
  assert.match(explanation(ended).error, /^the key transit\/portcullis of Transit cannot be used/);
  assert.ok(!existsSync(join(home, "root.key")));
  await server.resume();
  await withGate({ home, environment }, async (gate) => assert.equal(await readiness(gate), 200));
});
