import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { postgresObstacle, startPostgres } from "./postgres.ts";

/** The server's directory, with its socket and data. */
function directoryOf(url: string): string {
  return new URL(url).searchParams.get("host") ?? "";
}

test("a stopped server leaves nothing behind", { skip: postgresObstacle() }, async () => {
  const server = await startPostgres();
  assert(existsSync(directoryOf(server.url)));
  await server.stop();
  assert(!existsSync(directoryOf(server.url)));
});

test("a server ends with the process that started it, even if that is killed", {
  skip: postgresObstacle(),
}, async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(import.meta.resolve("./postgres.ts"))};
    console.log((await startPostgres()).url);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const directory = directoryOf(line.toString().trim());
  assert(existsSync(directory));
  child.kill("SIGKILL");
  const deadline = performance.now() + 60_000;
  while (existsSync(directory)) {
    assert(performance.now() < deadline, "the server's files are still there");
    await pause(20);
  }
});
