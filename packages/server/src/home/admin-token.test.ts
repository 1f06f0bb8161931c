import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { type Home, homePath, openAdminToken, openHome, readAdminToken } from "./index.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-token-"));
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
const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

test("the first start makes a random token, and later starts and the CLI read the same", async () => {
  const home = freshHome();
  assert.equal(await readAdminToken(homePath(home.path)), undefined);
  const first = await openAdminToken(home);
  assert.equal(first.created, true);
  assert.match(first.token.reveal(), /^pca_[0-9a-hjkmnp-tv-z]{52}$/);
  assert.equal(statSync(home.file("admin.token")).mode & 0o777, 0o600);
  const second = await openAdminToken(home);
  assert.deepEqual([second.created, second.token.reveal()], [false, first.token.reveal()]);
  assert.equal((await readAdminToken(homePath(home.path)))?.reveal(), first.token.reveal());
  assert.notEqual((await openAdminToken(freshHome())).token.reveal(), first.token.reveal());
});

test("a wanted token is taken at the first start only", async () => {
  const home = freshHome();
  const wanted = new Secret("a-token-of-my-own-choice");
  assert.equal((await openAdminToken(home, wanted)).token.reveal(), wanted.reveal());
  const later = await openAdminToken(home, new Secret("another-token-later-on"));
  assert.deepEqual([later.created, later.token.reveal()], [false, wanted.reveal()]);
});

test("a wanted token that is short or would not survive a header is refused, and none is made", async () => {
  for (const value of [
    "",
    "short",
    "seven77",
    "with a space inside it",
    "line\nbreak-in-the-middle",
    "ümläute-are-not-for-headers",
  ]) {
    const home = freshHome();
    await assert.rejects(openAdminToken(home, new Secret(value)), withCode("config_invalid"), value);
    assert.equal(await readAdminToken(home), undefined);
  }
});

test("a damaged or readable token file is refused, never replaced", async () => {
  const home = freshHome();
  writeFileSync(home.file("admin.token"), "", { mode: 0o600 });
  await assert.rejects(openAdminToken(home), withCode("file_unsafe"));
  writeFileSync(home.file("admin.token"), "pca_0123456789abcdef\n");
  assert.equal((await openAdminToken(home)).token.reveal(), "pca_0123456789abcdef");
  chmodSync(home.file("admin.token"), 0o644);
  await assert.rejects(openAdminToken(home), withCode("file_unsafe"));
  await assert.rejects(readAdminToken(home), withCode("file_unsafe"));
});
