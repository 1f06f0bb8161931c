import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const directory = mkdtempSync(join(tmpdir(), "portcullis-flags-"));
after(() => rmSync(directory, { recursive: true }));

const script = join(directory, "started.ts");
writeFileSync(
  script,
  `import ${JSON.stringify(new URL("runtime-flags.ts", import.meta.url).href)};
const { execArgv, env, argv } = process;
console.log(JSON.stringify({ flags: execArgv, heaps: env.MALLOC_ARENA_MAX, kept: env.KEPT, words: argv.slice(2) }));
`,
);

function started(words: readonly string[], environment: Readonly<Record<string, string>>): unknown {
  const env = { PATH: process.env["PATH"], KEPT: "this", ...environment };
  return JSON.parse(execFileSync(process.execPath, [script, ...words], { env, encoding: "utf8" }));
}

const canReplaceItself = process.platform !== "win32" && process.execve !== undefined;

test("a gateway runs with one collector thread and one heap, and the words and environment it was given", (t) => {
  if (!canReplaceItself) return t.skip("this system cannot replace a process");
  const flags = ["--single-threaded-gc", "--max-semi-space-size=16"];
  const words = ["serve", "--port", "1"];
  assert.deepEqual(started(words, {}), { flags, heaps: "1", kept: "this", words });
});

test("who says how many heaps there are to be is listened to", (t) => {
  if (!canReplaceItself) return t.skip("this system cannot replace a process");
  assert.equal((started(["serve"], { MALLOC_ARENA_MAX: "4" }) as { readonly heaps: string }).heaps, "4");
});

test("another command runs as it was started", () => {
  assert.deepEqual(started(["status"], {}), { flags: [], kept: "this", words: ["status"] });
});
