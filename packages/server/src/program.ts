import { takeEnvironmentCopy } from "./config/index.ts";
import { runCli } from "./cli/index.ts";
import { homePath, readAdminToken } from "./home/index.ts";
import { configNames, load } from "./settings.ts";
import { version } from "./version.ts";

// What is created is for its owner alone, whatever the shell's umask.
process.umask(0o077);

process.exitCode = await runCli(process.argv.slice(2), {
  version,
  environment: takeEnvironmentCopy(),
  configNames,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  self: [process.execPath, new URL("../bin/portcullis.js", import.meta.url).pathname],
  readAdminToken: async (home) => readAdminToken(homePath(load({ home, config: undefined }).home)),
  // What only some commands need is loaded by those.
  serve: async (options, started) => (await import("./serve.ts")).serve(options, started),
  demo: async (options, say) => (await import("./demo.ts")).demo(options, say),
  simulate: async (options, started) => (await import("./simulate.ts")).simulate(options, started),
  doctor: async (place) => (await import("./doctor.ts")).doctor(place),
  database: async (place) => (await import("./maintenance.ts")).databaseCommands(place),
  backups: async (place) => (await import("./backups.ts")).backupCommands(place),
});
