import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { openKmsServer } from "../../test/support/aws-kms.ts";
import { databases } from "../../test/support/databases.ts";
import { openTransitServer, type TransitServer } from "../../test/support/hashicorp-transit.ts";
import { keyRingSkip, withKeyRing, type Session } from "../../test/support/key-ring.ts";
import type { Db } from "../db/index.ts";
import { createAwsClient, createHashicorpClient, emptyEnvironment } from "../external/index.ts";
import { openHome, type Home } from "../home/index.ts";
import { fakeClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { createLog } from "../kernel/log.ts";
import { Secret } from "../kernel/secret.ts";
import { createKeyRing, createVault, type Vault, type VaultOptions } from "./index.ts";

/*
 * Vaults whose key lies outside: in the key ring of the operating system, or with a service. Whatever happens to those, a
 * vault that has a root key never gets another.
 */

const base = mkdtempSync(join(tmpdir(), "portcullis-outside-"));
const homes: Home[] = [];
after(() => {
  for (const home of homes) home.release();
  rmSync(base, { recursive: true, force: true });
});
function freshHome(): Home {
  const home = openHome(join(base, String(homes.length)));
  homes.push(home);
  return home;
}
let directories = 0;
function freshDirectory(): string {
  const path = join(base, `ring-${directories++}`);
  mkdirSync(path);
  return path;
}

const record = { type: "secret", id: "huggingface_token", field: "value" } as const;
const value = new Secret("hf-value");
const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;
const passphrase = new Secret("correct horse battery staple");

function vaultOf(db: Db, home: Home, options: Partial<VaultOptions>, logLines: string[] = []): Vault {
  const log = createLog({ level: "debug", format: "json", clock: fakeClock(), write: (line) => logLines.push(line) });
  return createVault({ db, home, clock: fakeClock(), log, options: { unlocker: "auto", ...options } });
}

const onRing = (session: Session): Partial<VaultOptions> => ({
  keyRing: createKeyRing({ platform: "linux", session, capMs: 20_000 }),
});

async function keys({ kysely }: Db): Promise<unknown> {
  return [
    await kysely.selectFrom("vault_slots").selectAll().orderBy("id").execute(),
    await kysely.selectFrom("vault_terms").selectAll().orderBy("term").execute(),
  ];
}

/** Resolves once it holds; fails after ten seconds. */
async function comesTrue(holds: () => boolean): Promise<void> {
  for (let waited = 0; waited < 10_000 && !holds(); waited += 20) await new Promise((go) => setTimeout(go, 20));
  assert.ok(holds(), "it did not come true within ten seconds");
}

for (const database of databases) {
  const skip = database.skip ?? keyRingSkip();

  describe(`a vault in the key ring, on ${database.name}`, { skip }, () => {
    test("is made there on a first start with nothing given, if the ring works, and opens from there", async () => {
      const [db, home] = [await database.open(), freshHome()];
      await withKeyRing("unlocked", freshDirectory(), async (session) => {
        const first = vaultOf(db, home, onRing(session));
        const why = "the key ring of the operating system works";
        assert.deepEqual(await first.start(), { how: "key-ring", created: true, why });
        await first.put(record, value, []);
        assert.equal(existsSync(home.file("root.key")), false);
        const second = vaultOf(db, home, onRing(session));
        assert.equal((await second.start()).how, "key-ring");
        assert.equal((await second.get(record)).reveal(), value.reveal());
      });
    });

    test("is made with a key file where no ring works, and says why", async () => {
      for (const [state, why] of [
        ["locked", /^the key ring cannot be used: the key ring of the operating system is locked$/],
        ["none", /^the key ring cannot be used: no key ring of the operating system answers here$/],
      ] as const) {
        const [db, home] = [await database.open(), freshHome()];
        const place = freshDirectory();
        if (state === "locked") await withKeyRing("unlocked", place, (session) => onRing(session).keyRing!.probe());
        await withKeyRing(state, place, async (session) => {
          const started = await vaultOf(db, home, onRing(session)).start();
          assert.equal(started.how, "key-file");
          assert.match(started.why, why);
        });
        assert.equal(existsSync(home.file("root.key")), true);
      }
    });

    test("waits sealed while the ring is locked or gone, says so, and opens once it is there again", async () => {
      const [db, home, place] = [await database.open(), freshHome(), freshDirectory()];
      await withKeyRing("unlocked", place, async (session) => {
        const vault = vaultOf(db, home, onRing(session));
        await vault.start();
        await vault.put(record, value, []);
      });
      const before = await keys(db);
      for (const [state, message] of [
        ["locked", "the key ring of the operating system is locked"],
        ["none", "no key ring of the operating system answers here"],
      ] as const) {
        await withKeyRing(state, place, async (session) => {
          const vault = vaultOf(db, home, onRing(session));
          const { how, created, why, problem } = await vault.start();
          assert.deepEqual([how, created, why, vault.sealed], [null, false, message, true]);
          assert.equal(problem?.code, "vault_unlocker_unavailable");
        });
      }
      assert.deepEqual(await keys(db), before);
      assert.equal(existsSync(home.file("root.key")), false);
      await withKeyRing("unlocked", place, async (session) => {
        const vault = vaultOf(db, home, onRing(session));
        await vault.start();
        assert.equal((await vault.get(record)).reveal(), value.reveal());
      });
    });

    test("whose entry is gone is refused, and gets no new root key", async () => {
      const [db, home] = [await database.open(), freshHome()];
      await withKeyRing("unlocked", freshDirectory(), (session) => vaultOf(db, home, onRing(session)).start());
      const before = await keys(db);
      await withKeyRing("unlocked", freshDirectory(), async (session) => {
        for (const unlocker of ["auto", "key-ring"] as const) {
          const vault = vaultOf(db, home, { ...onRing(session), unlocker });
          await assert.rejects(vault.start(), withCode("vault_key_missing"));
          assert.equal(vault.sealed, true);
        }
      });
      assert.deepEqual(await keys(db), before);
      assert.equal(existsSync(home.file("root.key")), false);
    });

    test("a slot of it is added and removed while the vault runs, and takes its entry along", async () => {
      const [db, home] = [await database.open(), freshHome()];
      await withKeyRing("unlocked", freshDirectory(), async (session) => {
        const { keyRing } = onRing(session);
        const vault = vaultOf(db, home, { keyRing, unlocker: "key-file" });
        await vault.start();
        const { id } = await vault.slots.add("key-ring", { label: "desktop" });
        const stored = await db.kysely.selectFrom("vault_slots").selectAll().where("id", "=", id).executeTakeFirst();
        const { account } = JSON.parse(stored?.params ?? "{}") as { readonly account: string };
        assert.equal((await keyRing?.read(account))?.length, 32);
        assert.equal((await vaultOf(db, home, { keyRing, unlocker: "key-ring" }).start()).how, "key-ring");
        await vault.slots.remove(id);
        assert.equal(await keyRing?.read(account), undefined);
        await assert.rejects(vaultOf(db, home, { keyRing, unlocker: "key-ring" }).start(), withCode("vault_no_slot"));
      });
    });
  });
}

async function transit(t: { after(close: () => unknown): void }): Promise<TransitServer> {
  const server = await openTransitServer();
  server.createKey("portcullis");
  t.after(() => server.close());
  return server;
}

function onTransit({ url, token }: TransitServer, key = "portcullis"): Partial<VaultOptions> {
  const auth = { method: "token", token: new Secret(token) } as const;
  const client = createHashicorpClient({ address: url, auth, clock: fakeClock() });
  return { transit: { client, mount: "transit", key } };
}

for (const database of databases) {
  describe(`a vault whose key is with a service, on ${database.name}`, { skip: database.skip }, () => {
    test("is made with it on a first start that names it, and opens with it", async (t) => {
      const [db, home, server] = [await database.open(), freshHome(), await transit(t)];
      const first = vaultOf(db, home, onTransit(server));
      assert.deepEqual(await first.start(), { how: "transit", created: true, why: "`vault.transit` is set" });
      await first.put(record, value, []);
      server.rotateKey("portcullis");
      const second = vaultOf(db, home, onTransit(server));
      assert.equal((await second.start()).how, "transit");
      assert.equal((await second.get(record)).reveal(), value.reveal());
      assert.equal(existsSync(home.file("root.key")), false);
    });

    test("is not made while the service is away: nothing is stored, and no other way is taken instead", async (t) => {
      const [db, home, server] = [await database.open(), freshHome(), await transit(t)];
      await server.pause();
      const vault = vaultOf(db, home, onTransit(server));
      await assert.rejects(vault.start(), withCode("vault_unlocker_unavailable"));
      assert.deepEqual(await keys(db), [[], []]);
      assert.equal(existsSync(home.file("root.key")), false);
      await server.resume();
      assert.equal((await vault.start()).created, true);
    });

    test("starts sealed while the service is away, says so, and opens by itself once it is back", async (t) => {
      const [db, home, server] = [await database.open(), freshHome(), await transit(t)];
      const first = vaultOf(db, home, onTransit(server));
      await first.start();
      await first.put(record, value, []);
      const before = await keys(db);
      await server.pause();
      const logLines: string[] = [];
      const vault = vaultOf(db, home, onTransit(server), logLines);
      const told: boolean[] = [];
      vault.onChange((sealed) => told.push(sealed));
      const { how, problem } = await vault.start();
      assert.equal(how, null);
      assert.match(
        problem?.message ?? "",
        /^the key transit\/portcullis of Transit cannot be used: .*could not be reached/,
      );
      await assert.rejects(vault.get(record), withCode("vault_sealed"));
      await server.resume();
      await comesTrue(() => !vault.sealed);
      assert.equal((await vault.get(record)).reveal(), value.reveal());
      assert.deepEqual(told, [false]);
      assert.ok(logLines.some((line) => line.includes("the vault is open")));
      assert.deepEqual(await keys(db), before);
    });

    test("that somebody seals while it waits stays sealed when the service is back", async (t) => {
      const [db, home, server] = [await database.open(), freshHome(), await transit(t)];
      await vaultOf(db, home, onTransit(server)).start();
      await server.pause();
      const vault = vaultOf(db, home, onTransit(server));
      await vault.start();
      vault.seal();
      await server.resume();
      await new Promise((go) => setTimeout(go, 2_500));
      assert.equal(vault.sealed, true);
      assert.equal((await vault.start()).how, "transit", "until somebody unseals it");
    });

    test("whose database was emptied while it waited gets no new root key", async (t) => {
      const [db, home, server] = [await database.open(), freshHome(), await transit(t)];
      await vaultOf(db, home, onTransit(server)).start();
      await server.pause();
      const logLines: string[] = [];
      const vault = vaultOf(db, home, onTransit(server), logLines);
      await vault.start();
      await db.kysely.deleteFrom("vault_slots").execute();
      await db.kysely.deleteFrom("vault_terms").execute();
      await server.resume();
      await comesTrue(() => logLines.some((line) => line.includes("is not tried again")));
      assert.equal(vault.sealed, true);
      assert.deepEqual(await keys(db), [[], []]);
    });

    test("whose key the service no longer has is refused, or waits for its passphrase if it has one", async (t) => {
      const [db, home, server] = [await database.open(), freshHome(), await transit(t)];
      server.createKey("other");
      const first = vaultOf(db, home, onTransit(server));
      await first.start();
      const before = await keys(db);
      await assert.rejects(vaultOf(db, home, onTransit(server, "other")).start(), withCode("vault_key_missing"));
      server.deleteKey("portcullis");
      await assert.rejects(vaultOf(db, home, onTransit(server)).start(), withCode("vault_key_missing"));
      await assert.rejects(vaultOf(db, home, {}).start(), withCode("vault_key_missing"));
      assert.deepEqual(await keys(db), before);
      await first.slots.add("passphrase", { passphrase });
      assert.equal((await vaultOf(db, home, { passphrase }).start()).how, "passphrase");
    });

    test("AWS KMS: a slot is added while it runs, opens alone, and is removed again", async (t) => {
      const [db, home, server] = [await database.open(), freshHome(), await openKmsServer()];
      t.after(() => server.close());
      server.createKey("alias/portcullis");
      const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: new Secret("no real one") };
      const client = createAwsClient({
        region: "eu-central-1",
        endpoint: server.url,
        credentials: () => Promise.resolve({ ...credentials, sessionToken: undefined, expiresAt: undefined }),
        environment: emptyEnvironment,
        userHome: "/nonexistent",
        clock: fakeClock(),
      });
      const awsKms = { client, keyId: "alias/portcullis" };
      const vault = vaultOf(db, home, { awsKms, unlocker: "key-file" });
      await vault.start();
      await vault.put(record, value, []);
      const { id } = await vault.slots.add("aws-kms", {});
      const other = vaultOf(db, home, { awsKms, unlocker: "aws-kms" });
      assert.equal((await other.start()).how, "aws-kms");
      assert.equal((await other.get(record)).reveal(), value.reveal());
      await vault.slots.remove(id);
      await assert.rejects(vaultOf(db, home, { awsKms, unlocker: "aws-kms" }).start(), withCode("vault_no_slot"));
    });
  });
}

describe("a key file that the system hands to the service", () => {
  for (const database of databases) {
    test(`is used, and no other is made (${database.name})`, { skip: database.skip }, async () => {
      const [db, home] = [await database.open(), freshHome()];
      const credentialFile = join(freshDirectory(), "portcullis-root-key");
      writeFileSync(credentialFile, Buffer.alloc(32, 5), { mode: 0o400 });
      const started = await vaultOf(db, home, { credentialFile }).start();
      assert.deepEqual(started, { how: "key-file", created: true, why: "the system gives this service a key file" });
      assert.equal(existsSync(home.file("root.key")), false);
      assert.equal((await vaultOf(db, home, { credentialFile }).start()).how, "key-file");
      await assert.rejects(vaultOf(db, home, {}).start(), withCode("vault_key_missing"));
    });
  }
});
