import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createGeminiHome } from "./gemini-home.ts";

function temporary(t: TestContext, path = mkdtempSync(join(tmpdir(), "portcullis-test-"))): string {
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const settingsIn = (home: string): unknown => JSON.parse(readFileSync(join(home, ".gemini/settings.json"), "utf8"));

test("a home for Gemini CLI is the user's own, but takes a key", async (t) => {
  const user = temporary(t);
  mkdirSync(join(user, ".gemini/tmp"), { recursive: true });
  writeFileSync(join(user, ".gemini/GEMINI.md"), "memory");
  const auth = { selectedType: "oauth-personal", enforcedType: "oauth-personal" };
  const settings = { ui: { theme: "Dracula" }, security: { auth, folderTrust: { enabled: true } } };
  writeFileSync(join(user, ".gemini/settings.json"), JSON.stringify(settings));
  const home = temporary(t, await createGeminiHome(user));
  assert.equal(readFileSync(join(home, ".gemini/GEMINI.md"), "utf8"), "memory");
  writeFileSync(join(home, ".gemini/tmp/history"), "kept");
  assert.deepEqual(settingsIn(home), {
    ui: { theme: "Dracula" },
    security: { auth: { selectedType: "gemini-api-key" }, folderTrust: { enabled: true } },
  });
  assert.deepEqual(settingsIn(user), settings);
  rmSync(home, { recursive: true });
  assert.equal(readFileSync(join(user, ".gemini/tmp/history"), "utf8"), "kept");
});

test("a user without one gets one that takes a key, and so does one whose settings cannot be read", async (t) => {
  const user = temporary(t);
  const expected = { security: { auth: { selectedType: "gemini-api-key" } } };
  assert.deepEqual(settingsIn(temporary(t, await createGeminiHome(user))), expected);
  assert.ok(!existsSync(join(user, ".gemini")));
  mkdirSync(join(user, ".gemini"));
  for (const text of ["// a comment\n{}", "[1]", "null"]) {
    writeFileSync(join(user, ".gemini/settings.json"), text);
    assert.deepEqual(settingsIn(temporary(t, await createGeminiHome(user))), expected);
  }
});
