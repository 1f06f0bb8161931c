import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

/** A process that says what it hears; once its terminal is gone, in a file. */
const program = `
  import { onHangUp } from ${JSON.stringify(new URL("./hang-up.ts", import.meta.url).href)};
  import { writeFileSync } from "node:fs";
  onHangUp(() => console.log("asked to reload"));
  process.on("SIGTERM", () => { writeFileSync(process.env.HEARD, "stop"); process.exit(0); });
  setInterval(() => {}, 1000);
  console.log("ready " + process.pid);
`;

const missing =
  process.platform !== "linux" || spawnSync("script", ["--version"]).error !== undefined
    ? "needs the command `script` (apt-get install bsdutils)"
    : false;

test("SIGHUP asks for a reload, from a terminal too; a terminal that is closed stops the process", {
  skip: missing,
  timeout: 20_000,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "portcullis-hang-up-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const [file, heard] = [join(directory, "program.mts"), join(directory, "heard")];
  writeFileSync(file, program);
  const terminal = spawn("script", ["-qec", `exec "${process.execPath}" "${file}"`, "/dev/null"], {
    env: { PATH: process.env["PATH"], HEARD: heard },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  terminal.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const said = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(output)) await once(terminal.stdout, "data");
    return pattern.exec(output)?.[1] ?? "";
  };
  const pid = Number(await said(/ready (\d+)/));
  process.kill(pid, "SIGHUP");
  await said(/asked to reload/);
  const isThere = (): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  assert.ok(isThere(), "it goes on");

  terminal.kill("SIGKILL");
  while (isThere()) await pause(20);
  assert.equal(readFileSync(heard, "utf8"), "stop");
});
