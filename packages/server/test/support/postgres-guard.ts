/**
 * The process that owns a test's PostgreSQL server. It takes commands over the channel to the process that started it,
 * and ends the server and deletes its files once that channel closes, which even a killed process cannot prevent.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { constants, cpSync, existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";

export interface GuardOptions {
  /** Holds everything: programs, data, socket. */
  readonly directory: string;
  /** The programs as npm installed them. */
  readonly native: string;
  /** Whom the server runs as, where the guard itself is root. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
}

/** `start` also creates what is missing, and works again after `crash`. */
export type GuardCommand = "start" | "crash" | "stop";

export interface GuardReply {
  readonly error?: string;
}

const { directory, native, user }: GuardOptions = JSON.parse(process.argv[2] ?? "");
const programs = join(directory, "native", "bin");
const data = join(directory, "data");
const runOptions = { ...user, cwd: directory, env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" } };
let server: ChildProcess | undefined;

/**
 * The programs need links beside their libraries that an install script would make; install scripts are off, and
 * node_modules may be read-only or closed to the server's user. So they run from a copy.
 */
function copyPrograms(): void {
  const copy = join(directory, "native");
  const filter = (path: string): boolean => !path.endsWith(".a");
  cpSync(native, copy, { recursive: true, mode: constants.COPYFILE_FICLONE, filter });
  const linkList = join(native, "pg-symlinks.json");
  const links: { source: string; target: string }[] = existsSync(linkList)
    ? JSON.parse(readFileSync(linkList, "utf8"))
    : [];
  for (const { source, target } of links) {
    const link = join(directory, target);
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
  if (user !== undefined) execFileSync("chown", ["-R", `${user.uid}:${user.gid}`, copy]);
}

function initialise(): void {
  copyPrograms();
  const options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"];
  execFileSync(join(programs, "initdb"), [`--pgdata=${data}`, ...options], { ...runOptions, stdio: "pipe" });
}

/** Nothing here outlives the run, so nothing needs to survive a power cut. */
const settings = [
  "listen_addresses=",
  `unix_socket_directories=${directory}`,
  "fsync=off",
  "full_page_writes=off",
  "autovacuum=off",
  "wal_level=minimal",
  "max_wal_senders=0",
  "max_connections=400",
  "shared_buffers=32MB",
];

async function start(): Promise<void> {
  if (!existsSync(data)) initialise();
  const options = settings.flatMap((setting) => ["-c", setting]);
  const child = spawn(join(programs, "postgres"), ["-D", data, ...options], {
    ...runOptions,
    stdio: ["ignore", "ignore", "pipe"],
  });
  server = child;
  await new Promise<void>((resolve, reject) => {
    let log = "";
    child.stderr.on("data", (text: Buffer) => {
      if (log.length < 10_000) log += text.toString();
      if (log.includes("ready to accept connections")) resolve();
    });
    child.on("error", reject);
    child.on("exit", () => reject(new Error(log)));
  });
}

/** SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, every session cut, recovery at the next start. */
async function crash(): Promise<void> {
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGQUIT");
  await exited;
}

async function stop(): Promise<void> {
  await crash();
  rmSync(directory, { recursive: true, force: true });
}

async function reply(work: Promise<void>): Promise<void> {
  const answer: GuardReply = await work.then(
    () => ({}),
    (error: unknown) => ({ error: String(error) }),
  );
  if (process.connected) process.send?.(answer);
}

const commands: Readonly<Record<GuardCommand, () => Promise<void>>> = { start, crash, stop };
process.on("message", (name: GuardCommand) => void reply(commands[name]()));

async function end(): Promise<void> {
  await stop();
  process.exit();
}
process.on("disconnect", () => void end());
process.on("SIGTERM", () => void end());
