import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { endpoints } from "@portcullis/contract";
import { adminTokenOf, serve } from "../support/process.ts";
import { temporaryHome } from "../support/gateway.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const rounds = Number(process.env["PORTCULLIS_TEST_ROUNDS"] ?? 8);

/** Runs `vault backup` and kills it after a time; whether it had ended well by then. */
function backUpAndKill(args: readonly string[], environment: NodeJS.ProcessEnv, afterMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...args], { env: environment }, (error) => resolve(error === null));
    setTimeout(() => child.kill("SIGKILL"), afterMs);
  });
}

test("killed while it writes, a backup leaves the one before or is whole, and the gateway goes on", async (t) => {
  const home = join(temporaryHome(), "home");
  const gate = await serve({ home });
  t.after(() => gate.kill());
  for (let index = 0; index < 200; index++) {
    const secret = { params: { name: `value_${index}` }, input: { value: `canary ${index}`.repeat(500) } };
    await gate.admin.call(endpoints.secrets.put, secret);
  }
  const identity = await generateX25519Identity();
  const file = join(temporaryHome(), "backup.age");
  const recipient = ["--recipient", await identityToRecipient(identity)];
  const args = ["--home", home, "--url", gate.url, "vault", "backup", file, "--replace", ...recipient];
  const environment = { PATH: process.env["PATH"], PORTCULLIS_ADMIN_TOKEN: adminTokenOf(home) };
  // The first one starts slowly: nothing of the program was read yet.
  let wholeMs = Number.POSITIVE_INFINITY;
  for (let times = 0; times < 3; times++) {
    const startedAt = performance.now();
    assert.ok(await backUpAndKill(args, environment, 60_000));
    wholeMs = Math.min(wholeMs, performance.now() - startedAt);
  }
  const open = async (): Promise<string> => {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    return Buffer.from(await decrypter.decrypt(readFileSync(file))).toString("utf8");
  };
  assert.match(await open(), /"portcullis-backup"/);

  const counts = { before: 0, whole: 0 };
  for (let round = 0; round < rounds; round++) {
    writeFileSync(file, "the one before");
    // The last part of its time is when it writes; the first is when it starts.
    await backUpAndKill(args, environment, wholeMs * (0.4 + (0.65 * round) / rounds));
    assert.ok(existsSync(file));
    if (readFileSync(file, "utf8") === "the one before") counts.before += 1;
    else {
      assert.match((await open()).trimEnd().split("\n").at(-1) ?? "", /sha256/i);
      counts.whole += 1;
    }
  }
  t.diagnostic(`${rounds} kills: ${counts.before} left the one before, ${counts.whole} came too late`);
  assert.ok(counts.before > 0);
  assert.equal((await gate.admin.call(endpoints.vault.status)).state, "unsealed");
  assert.ok(await backUpAndKill(args, environment, 60_000), "and the next one is made");
  assert.equal((await gate.stop()).code, 0);
});
