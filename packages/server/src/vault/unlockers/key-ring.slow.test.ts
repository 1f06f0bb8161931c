import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { keyRingSkip, withKeyRing, withSilentBus, type Session } from "../../../test/support/key-ring.ts";
import { AppError } from "../../kernel/errors.ts";
import { unlockerConformance } from "./conformance.ts";
import { keyRingUnlocker, ringProblem } from "./key-ring-unlocker.ts";
import { createKeyRing, type KeyRing } from "./key-ring.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-key-ring-"));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
function freshDirectory(): string {
  const path = join(base, String(count++));
  mkdirSync(path);
  return path;
}

const skip = keyRingSkip();
/** With time enough for a machine that runs many tests at once. */
const ringOf = (session: Session): KeyRing => createKeyRing({ platform: "linux", session, capMs: 20_000 });
const rootKey = Buffer.alloc(32, 7);

/** The error of a ring that cannot be asked, and how long it took to be known. */
async function refusal(asking: Promise<unknown>): Promise<{ readonly error: AppError; readonly tookMs: number }> {
  const began = performance.now();
  const error = await asking.then(
    () => assert.fail("the ring answered"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError && error.code === "vault_unlocker_unavailable", String(error));
  return { error, tookMs: performance.now() - began };
}

describe("the key ring of a real Secret Service", { skip }, () => {
  const directory = skip === false ? freshDirectory() : "";
  const other = skip === false ? freshDirectory() : "";
  unlockerConformance({
    name: "the key ring",
    kind: "key-ring",
    same: () => Promise.resolve(keyRingUnlocker(ringAt(directory))),
    other: () => Promise.resolve(keyRingUnlocker(ringAt(other))),
  });

  test("keeps what it was given over a restart of its daemon, and gives it back when it is unlocked again", async () => {
    const place = freshDirectory();
    const slot = await withKeyRing("unlocked", place, (session) =>
      keyRingUnlocker(ringOf(session)).wrap("slot_1", rootKey),
    );
    await withKeyRing("unlocked", place, async (session) => {
      assert.deepEqual(await keyRingUnlocker(ringOf(session)).unwrap(slot), rootKey);
    });
  });

  test("locked: it says so, whether it is read, written or tried", async () => {
    const place = freshDirectory();
    const slot = await withKeyRing("unlocked", place, (session) =>
      keyRingUnlocker(ringOf(session)).wrap("slot_1", rootKey),
    );
    await withKeyRing("locked", place, async (session) => {
      const unlocker = keyRingUnlocker(ringOf(session));
      const ways = [() => unlocker.unwrap(slot), () => unlocker.wrap("slot_2", rootKey), () => ringOf(session).probe()];
      for (const ask of ways) {
        const { error } = await refusal(ask());
        assert.equal(error.message, "the key ring of the operating system is locked");
        assert.match(error.hint ?? "", /^unlock it, and a sealed vault opens with `portcullis vault unseal --auto`$/);
      }
    });
  });

  test("a bus on which nobody keeps secrets: it says that no key ring answers", async () => {
    await withKeyRing("none", freshDirectory(), async (session) => {
      const { error } = await refusal(ringOf(session).probe());
      assert.equal(error.message, "no key ring of the operating system answers here");
      assert.equal(await ringProblem(ringOf(session)), error.message);
    });
  });

  test("an entry that is gone opens nothing, and is not made again by trying", async () => {
    await withKeyRing("unlocked", freshDirectory(), async (session) => {
      const unlocker = keyRingUnlocker(ringOf(session));
      const slot = await unlocker.wrap("slot_1", rootKey);
      await unlocker.discard(slot);
      assert.equal(await unlocker.unwrap(slot), undefined);
      assert.equal(await unlocker.unwrap(slot), undefined);
      await unlocker.discard(slot); // nothing is left to take away, and that is no error
    });
  });

  test("trying it out leaves nothing behind", async () => {
    await withKeyRing("unlocked", freshDirectory(), async (session) => {
      assert.equal(await ringProblem(ringOf(session)), undefined);
      const library = new URL(import.meta.resolve("@napi-rs/keyring")).pathname;
      const code = `import { findCredentials } from ${JSON.stringify(library)}; console.log(findCredentials("portcullis").length);`;
      const found = execFileSync(process.execPath, ["--input-type=module", "-e", code], { env: session });
      assert.equal(found.toString().trim(), "0");
    });
  });
});

/** A ring whose daemon runs for the length of one call, since the suite has no place to start and stop it. */
function ringAt(place: string): KeyRing {
  return {
    absence: undefined,
    probe: () => withKeyRing("unlocked", place, (session) => ringOf(session).probe()),
    read: (account) => withKeyRing("unlocked", place, (session) => ringOf(session).read(account)),
    write: (account, key) => withKeyRing("unlocked", place, (session) => ringOf(session).write(account, key)),
    delete: (account) => withKeyRing("unlocked", place, (session) => ringOf(session).delete(account)),
  };
}

describe("a key ring that is not there", { skip: process.platform !== "linux" && "is about Linux" }, () => {
  test("no session bus: it is not even tried", async () => {
    const ring = ringOf({ HOME: base });
    assert.match(ring.absence ?? "", /^there is no D-Bus session bus here/);
    const { error, tookMs } = await refusal(ring.read("vault-0"));
    assert.equal(error.message, ring.absence);
    assert.ok(tookMs < 50, `${tookMs} ms: no process was started`);
    assert.equal(await ringProblem(undefined), "no key ring is looked for");
  });

  test("an address where nothing listens: it says that no key ring answers", async () => {
    const ring = ringOf({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(base, "nothing")}` });
    assert.equal((await refusal(ring.probe())).error.message, "no key ring of the operating system answers here");
  });

  test("a bus that never answers: given up after three seconds, while everything else here goes on", async () => {
    await withSilentBus(freshDirectory(), async (session) => {
      let longestMs = 0;
      let last = performance.now();
      const beat = setInterval(() => {
        longestMs = Math.max(longestMs, performance.now() - last);
        last = performance.now();
      }, 10);
      const { error, tookMs } = await refusal(createKeyRing({ platform: "linux", session }).read("vault-0"));
      clearInterval(beat);
      assert.match(error.message, /^the key ring of the operating system did not answer within 3 s/);
      assert.ok(tookMs > 2_900 && tookMs < 3_500, `${tookMs} ms`);
      assert.ok(longestMs < 1_000, `the event loop stood still for ${longestMs} ms`);
    });
  });

  test("the bus that systemd keeps for a user is found without a variable", async () => {
    const runtime = freshDirectory();
    assert.match(ringOf({ XDG_RUNTIME_DIR: runtime }).absence ?? "", /no D-Bus session bus/, "no socket there");
    const bus = createServer().listen(join(runtime, "bus"));
    await once(bus, "listening");
    assert.equal(ringOf({ XDG_RUNTIME_DIR: runtime }).absence, undefined);
    bus.close();
  });

  test("a platform without one, and a process of no login session, are told apart in words", () => {
    const absence = (platform: NodeJS.Platform, session: Session) => createKeyRing({ platform, session }).absence ?? "";
    assert.match(absence("freebsd", {}), /^freebsd has no key ring/);
    assert.match(absence("darwin", {}), /HOME is not set/);
    assert.match(absence("win32", {}), /USERPROFILE is not set/);
    assert.equal(absence("darwin", { HOME: base }), "");
  });
});
