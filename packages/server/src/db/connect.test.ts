import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  readFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { inspect } from "node:util";
import { databases } from "../../test/support/databases.ts";
import { AppError, describe } from "../kernel/errors.ts";
import { migrate, openDatabase } from "./index.ts";

const password = "s3cret-pa55word";

function temporaryHome(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), "portcullis-db-"));
  t.after(() => rmSync(home, { recursive: true }));
  return home;
}

async function failure(url: string, home = "/nonexistent"): Promise<AppError> {
  const outcome = await openDatabase({ url, home }).catch((error: unknown) => error);
  assert(outcome instanceof AppError, inspect(outcome));
  return outcome;
}

const posix = { skip: process.platform === "win32" ? "Windows has no file modes" : undefined };

test("`sqlite:` is portcullis.db in the home, private to its owner from the start", posix, async (t) => {
  const home = temporaryHome(t);
  const previous = process.umask(0);
  const db = await openDatabase({ url: "sqlite:", home });
  process.umask(previous);
  await migrate(db);
  assert.equal(db.describe, join(home, "portcullis.db"));
  assert.equal(db.engine, "sqlite");
  for (const suffix of ["", "-wal", "-shm"]) {
    assert.equal((statSync(`${db.describe}${suffix}`).mode & 0o777).toString(8), "600", suffix);
  }
  await db.close();
});

test(
  "a database file, or its log, that others can read is refused with the command that mends it",
  posix,
  async (t) => {
    const home = temporaryHome(t);
    const path = join(home, "portcullis.db");
    for (const file of [path, `${path}-wal`]) {
      writeFileSync(path, "", { mode: 0o600 });
      writeFileSync(file, "");
      chmodSync(file, 0o640);
      const error = await failure("sqlite:", home);
      assert.equal(error.code, "file_unsafe");
      assert.equal(error.hint, `chmod 600 ${file}`);
      rmSync(file);
    }
  },
);

test("a symbolic link, a directory and a missing directory are refused", posix, async (t) => {
  const home = temporaryHome(t);
  symlinkSync(join(home, "elsewhere.db"), join(home, "link.db"));
  assert.equal((await failure(`sqlite:${join(home, "link.db")}`)).code, "file_unsafe");
  mkdirSync(join(home, "folder"));
  assert.equal((await failure(`sqlite:${join(home, "folder")}`)).code, "file_failed");
  const missing = await failure(`sqlite:${join(home, "no", "such.db")}`);
  assert.equal(missing.code, "config_invalid");
  assert.match(missing.message, /there is no directory/);
});

test("a damaged file, and one that is no database, are told apart from a mistake of ours and left as they are", async (t) => {
  const home = temporaryHome(t);
  const path = join(home, "portcullis.db");
  const healthy = await openDatabase({ url: "sqlite:", home });
  await migrate(healthy);
  await healthy.close();
  truncateSync(path, 4096); // the first of many pages
  await assertUnreadable(path);
  writeFileSync(path, "this is not a database, ".repeat(500));
  await assertUnreadable(path);
});

async function assertUnreadable(path: string): Promise<void> {
  const before = readFileSync(path);
  const error = await failure(`sqlite:${path}`);
  assert.equal(error.code, "database_unreadable");
  assert(error.message.includes(path));
  assert.deepEqual(readFileSync(path), before);
}

test("an address that cannot be right is refused with what is wrong, and without its password", async () => {
  const urls = [
    "",
    "portcullis.db",
    "mysql://localhost/x",
    "sqlite:relative.db",
    "sqlite::memory:",
    "sqlite://host/x.db",
    `postgres://user:${password}@host:port/x`,
    `postgres://user:${password}@[broken/x`,
    `postgres://user:%zz${password}@host/x`,
    `postgre://user:${password}@host/x`,
  ];
  for (const url of urls) {
    const error = await failure(url);
    assert.equal(error.code, "config_invalid", url);
    assert.match(error.message, /`storage.url` is not a database address: ./);
    assertNoPassword(error);
  }
});

test("a server that is not there is unavailable, and its password stays out of the error", async () => {
  const error = await failure(`postgres://user:${password}@127.0.0.1:1/x`); // tcpmux: nothing listens
  assert.equal(error.code, "database_unavailable");
  assertNoPassword(error);
});

function assertNoPassword(error: AppError): void {
  const shown = [error.message, error.hint, describe(error), inspect(error, { depth: 10, showHidden: true })].join(
    "\n",
  );
  assert(!shown.includes(password), shown);
}

for (const database of databases.filter(({ name }) => name === "PostgreSQL")) {
  test("an address shows its user, host and database, never its password or options", {
    skip: database.skip,
  }, async (t) => {
    const url = new URL(await database.create("migrated"));
    url.searchParams.set("password", password);
    const db = await openDatabase({ url: url.href, home: "/nonexistent" });
    t.after(() => db.close());
    assert.equal(db.engine, "postgres");
    assert.match(db.describe, /^postgres:\/\/[^?]*\/portcullis_test_[0-9a-f]+$/);
    assert(!inspect(db, { depth: 10 }).includes(password));
  });

  test("a database or user that the server does not know is a mistake in the address", {
    skip: database.skip,
  }, async () => {
    const url = new URL(await database.create("empty"));
    const otherUser = new URL(url);
    otherUser.searchParams.set("user", "nobody_we_know");
    const noUser = await failure(otherUser.href);
    assert.equal(noUser.code, "config_invalid");
    assert.match(noUser.message, /refuses the user or password/);
    url.pathname = "/no_such_database";
    const noDatabase = await failure(url.href);
    assert.equal(noDatabase.code, "config_invalid");
    assert.match(noDatabase.message, /no such database: postgres:\/\/.*no_such_database/);
  });
}
