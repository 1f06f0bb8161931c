import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fakeClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { Secret } from "../kernel/secret.ts";
import { failureOf, noPlaces } from "./conformance.ts";
import { createSources } from "./sources.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-source-files-"));
after(() => rmSync(directory, { recursive: true }));

function open({ ownPaths = [], maxEntries = 1_000 }: { ownPaths?: readonly string[]; maxEntries?: number } = {}) {
  const clock = fakeClock();
  const variables = new Map<string, string>();
  const asked: string[] = [];
  const sources = createSources({
    settings: { cacheMs: 300_000, keepMs: 3_600_000, timeoutMs: 400, ...noPlaces },
    environment: { texts: {}, secrets: new Map() },
    variable(name) {
      asked.push(name);
      const value = variables.get(name);
      return value === undefined ? undefined : new Secret(value);
    },
    ownPaths,
    userHome: directory,
    clock,
    log: silentLog,
    maxEntries,
  });
  after(() => sources.close());
  return { clock, variables, asked, sources };
}

function file(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode });
  return path;
}

test("env: a variable is found in each way its name may be written", async () => {
  const { sources, variables } = open();
  variables.set("OPENAI_API_KEY", "sk-1").set("exact", "sk-2");
  for (const name of ["OPENAI_API_KEY", "openai_api_key", "openai-api-key", "openai.api.key"]) {
    assert.equal((await sources.resolve(`env:${name}`)).reveal(), "sk-1");
  }
  assert.equal((await sources.resolve("env:exact")).reveal(), "sk-2");
  await failureOf(sources.resolve("env:NOT_SET"), "env:NOT_SET");
});

test("file: a private file is read without its last line break, and one that others may read is refused", async () => {
  const { sources } = open();
  assert.equal((await sources.resolve(`file:${file("good", "sk-1\n")}`)).reveal(), "sk-1");
  const loose = file("loose", "sk-canary", 0o644);
  assert.match((await failureOf(sources.resolve(`file:${loose}`), loose)).message, /mode 0644/);
  await failureOf(sources.resolve(`file:${directory}/none`), "none");
  await failureOf(sources.resolve(`file:${file("empty", "\n")}`), "empty");
});

test("file: nothing of the gateway's own is read, by whichever way it is named", async () => {
  const home = join(directory, "home");
  mkdirSync(home);
  writeFileSync(join(home, "root.key"), "canary", { mode: 0o600 });
  symlinkSync(home, join(directory, "way-in"));
  symlinkSync(join(home, "root.key"), join(directory, "link"));
  const keyFile = file("elsewhere.key", "canary");
  const { sources } = open({ ownPaths: [home, keyFile] });
  for (const path of [
    `${home}/root.key`,
    `${home}/../home/root.key`,
    `${directory}/way-in/root.key`,
    `${directory}/link`,
    `${directory}//home//root.key`,
    keyFile,
  ]) {
    await failureOf(sources.resolve(`file:${path}`), "file:");
  }
});

test("what is no reference is refused, and nothing of it is repeated", async () => {
  const { sources } = open();
  await assert.rejects(sources.resolve("sk-live-canary"), (error: Error) => {
    assert.doesNotMatch(error.message, /canary/);
    assert.equal((error as Error & { code: string }).code, "reference_invalid");
    return true;
  });
  assert.equal(sources.cached("sk-live-canary"), undefined);
  assert.deepEqual(sources.health(), []);
});

test("a source that failed is left alone for five seconds", async () => {
  const { sources, asked, clock, variables } = open();
  await failureOf(sources.resolve("env:KEY"), "env:KEY");
  const before = asked.length;
  await failureOf(sources.resolve("env:KEY"), "env:KEY");
  assert.equal(asked.length, before);
  clock.advance(5_000);
  variables.set("KEY", "sk-1");
  assert.equal((await sources.resolve("env:KEY")).reveal(), "sk-1");
});

test("the cache is bounded, and what was not used for longest goes first", async () => {
  const { sources, variables, clock } = open({ maxEntries: 3 });
  for (const name of ["A", "B", "C", "D"]) {
    variables.set(name, name);
    clock.advance(1);
    await sources.resolve(`env:${name}`);
    sources.cached("env:A");
  }
  const held = ["A", "B", "C", "D"].filter((name) => sources.describe(`env:${name}`) !== undefined);
  assert.deepEqual(held, ["A", "C", "D"]);
});

test("what nobody uses is forgotten, and what is forgotten is read anew", async () => {
  const { sources, variables, clock } = open();
  variables.set("A", "1");
  await sources.resolve("env:A");
  sources.forget("env:A");
  variables.set("A", "2");
  assert.equal(sources.cached("env:A"), undefined);
  assert.equal((await sources.resolve("env:A")).reveal(), "2");
  for (let minutes = 0; minutes <= 60; minutes += 4) {
    await sources.refresh();
    clock.advance(240_000);
  }
  await sources.refresh();
  assert.equal(sources.describe("env:A"), undefined);
});

test("other settings are in force at once, and a source that failed is asked again by them", async () => {
  const { sources, variables } = open();
  await failureOf(sources.resolve("env:KEY"), "env:KEY");
  variables.set("KEY", "sk-1");
  sources.adopt({ cacheMs: 1_000, keepMs: 0, timeoutMs: 400, ...noPlaces });
  assert.equal((await sources.resolve("env:KEY")).reveal(), "sk-1");
});
