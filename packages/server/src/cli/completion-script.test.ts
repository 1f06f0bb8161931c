import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import test from "node:test";
import { commands } from "./commands/index.ts";
import { completionScript, readTree, shells } from "./completion-script.ts";
import { run } from "./test/terminal.ts";

const tree = await readTree(commands);

/** What bash offers after these words, the last of which is being typed. */
function complete(...words: readonly string[]): readonly string[] {
  const array = words.map((word) => `'${word}'`).join(" ");
  const program = `${completionScript("bash", tree)}
    COMP_WORDS=(portcullis ${array}); COMP_CWORD=${words.length}; _portcullis; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", program], { encoding: "utf8" })
    .split("\n")
    .filter((word) => word !== "");
}

test("bash offers commands, subcommands and options, whatever stands between", () => {
  assert.ok(complete("").includes("credentials"));
  assert.deepEqual(complete("ke"), ["keys"]);
  assert.deepEqual(complete("keys", "ro"), ["rotate"]);
  assert.deepEqual(complete("--url", "http://x", "vault", "slots", "a"), ["add"]);
  assert.deepEqual(complete("keys", "create", "--user", "ada", "--al"), ["--allow-ip"]);
  assert.deepEqual(complete("credentials", "add", "--no"), ["--no-test"]);
});

test("every shell's script knows every command, and is sound to the shells that are here", async (context) => {
  for (const shell of shells) {
    const { code, stdout } = await run(["completion", shell]);
    assert.equal(code, 0);
    for (const { name } of commands) assert.match(stdout, new RegExp(`\\b${name}\\b`));
    const check = spawnSync(shell, ["-n"], { input: stdout, encoding: "utf8" });
    if (check.error !== undefined)
      context.diagnostic(`${shell} is not installed, so its script was not run through it: apt-get install ${shell}`);
    else assert.equal(check.stderr, "", shell);
  }
});

test("a shell without completion is a wrong usage", async () => {
  const { code, stderr } = await run(["completion", "tcsh"]);
  assert.equal(code, 2);
  assert.match(stderr, /^error: .*tcsh.*\nhint: take one of bash, zsh, fish\n$/);
});
