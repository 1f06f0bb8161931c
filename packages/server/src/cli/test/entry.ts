import { writeFileSync } from "node:fs";
import { takeEnvironmentCopy } from "../../config/index.ts";
import { Secret } from "../../kernel/secret.ts";
import { runCli } from "../index.ts";
import { startAdminServer } from "./admin-server.ts";
import { issuedKey, status } from "./examples.ts";

// The command line as a program of its own, for the tests of what only a process has: signals, children, exit codes.
// Its `serve` is a made-up gateway that leaves the names of the calls it got in TEST_CALLS_FILE.

const environment = takeEnvironmentCopy();

process.exitCode = await runCli(process.argv.slice(2), {
  version: "1.2.3",
  environment,
  configNames: { dialects: [], providers: [], keyVariables: [] },
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  self: [process.execPath, import.meta.filename],
  readAdminToken: async () => new Secret("pca_from_the_file"),
  async serve({ port }, started) {
    if (environment["TEST_SERVE_FAILS"] !== undefined) throw new Error("the disk is full");
    const server = await startAdminServer(
      {
        status: { get: async () => status },
        keys: { create: async () => issuedKey, remove: async () => undefined },
      },
      port,
    );
    started({ url: server.url });
    await new Promise((resolve) => process.once("SIGTERM", resolve));
    server.close();
    writeFileSync(environment["TEST_CALLS_FILE"] ?? "", server.calls.map((call) => call.name).join(" "));
  },
  demo: () => Promise.reject(new Error("there is no demo here")),
  simulate: () => Promise.reject(new Error("there is no simulator here")),
  doctor: async () => [],
  database: () => {
    throw new Error("there is no database here");
  },
  backups: () => {
    throw new Error("there are no backups here");
  },
});
