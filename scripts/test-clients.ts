/**
 * `npm run test:clients`: real coding agents, in their own vendors' builds, through a whole gateway to a simulated
 * provider. They are large and not what the gateway is made of, so they are installed apart, in `clients/`, when they are
 * missing there or not the versions that `clients/package.json` names. Arguments are files or globs; none means everything.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { clientNames, programOf } from "../clients/installation.ts";
import { runTests } from "./runner.ts";

const patterns = process.argv.slice(2);
const files = globSync(patterns.length > 0 ? patterns : ["clients/*.test.ts"]);
if (files.length === 0) {
  console.error("no test files match");
  process.exit(2);
}
// What cannot be installed is not there afterwards: its tests are skipped, and say so.
if (clientNames.some((name) => programOf(name) === undefined)) install();
process.exitCode = (await runTests(files)) ? 0 : 1;

function install(): void {
  // Not `npm ci`: it refuses a lock file without the builds for every platform, and not every registry has them all.
  const options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"];
  console.log("installing the clients in clients/ (more than 1 GB on disk)");
  const { status, error } = spawnSync("npm", ["install", ...options], {
    cwd: join(import.meta.dirname, "../clients"),
    stdio: "inherit",
    timeout: 300_000,
  });
  if (status !== 0)
    console.error(`npm install in clients/ failed (${error?.message ?? `exit code ${String(status)}`})`);
}
