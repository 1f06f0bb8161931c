/** Starts and ends the processes of a run. Whatever was started here is ended before the bench itself ends. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { treeOf } from "./cpu.ts";

/** The system under test has a core for itself; upstream, load and the bench itself are on the other. */
export const systemCore = 0;
export const benchCore = 1;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly directory?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Whether it is the system under test, and gets that core. */
  readonly underTest?: boolean;
}

export interface Running {
  readonly pid: number;
  /** What it wrote to standard output and to standard error; only the end of the latter is kept. */
  output(): string;
  errors(): string;
  /** The exit code, or `null` if a signal ended it. */
  readonly exited: Promise<number | null>;
}

const children = new Map<number, { readonly child: ChildProcess; readonly running: Running }>();

/** The full path of a program, looked for where a root shell would find it too, and in more directories. */
export function findProgram(name: string, more: readonly string[] = []): string | undefined {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin", ...more];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Puts the bench, and with it everything it starts, on its core, and lets it open as many files as it may. Throws where
 * that cannot be done.
 */
export function pinBench(): void {
  if (process.platform !== "linux")
    throw new Error("the bench reads /proc and pins processes to cores: it needs Linux");
  if (availableParallelism() < 2) throw new Error("the bench needs two cores: one for the system under test");
  const taskset = findProgram("taskset");
  if (taskset === undefined) throw new Error("taskset is missing: apt-get install -y util-linux");
  const pinned = spawnSync(taskset, ["-acp", String(benchCore), String(process.pid)], { encoding: "utf8" });
  if (pinned.status !== 0) throw new Error(`taskset could not pin the bench to core ${benchCore}: ${pinned.stderr}`);
  raiseFileLimit();
}

const wantedFiles = 65_536;

/** To what is wanted if this user may, else to the hard limit, else not at all: `fileLimit` says how it came out. */
function raiseFileLimit(): void {
  const prlimit = findProgram("prlimit");
  if (prlimit === undefined || fileLimit() >= wantedFiles) return;
  const set = (limit: string): boolean =>
    spawnSync(prlimit, ["--pid", String(process.pid), `--nofile=${limit}`], { stdio: "ignore" }).status === 0;
  if (set(`${wantedFiles}:${wantedFiles}`)) return;
  const [, hard] = openFilesLimits();
  set(`${hard}:${hard}`);
}

/** How many files and connections one process of the bench may have open. */
export function fileLimit(): number {
  return openFilesLimits()[0];
}

function openFilesLimits(): readonly [soft: number, hard: number] {
  const line = /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
  return [Number(line?.[1]), Number(line?.[2])];
}

export function start(command: Command): Running {
  const onCore = command.underTest === true ? ["taskset", "-c", String(systemCore)] : [];
  const [program = "", ...args] = [...onCore, command.program, ...command.args];
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "pipe"], // our own programs end when standard input does, that is when the bench is gone
    env: command.environment ?? process.env,
    ...(command.directory === undefined ? {} : { cwd: command.directory }),
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (errors = (errors + String(chunk)).slice(-4_000)));
  child.stdin.on("error", () => {}); // it ended first
  const exited = new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      errors += error.message;
      resolve(127);
    });
    child.once("close", resolve);
  });
  const pid = child.pid ?? 0;
  const running = { pid, exited, output: () => output, errors: () => errors };
  if (pid !== 0) children.set(pid, { child, running });
  void exited.then(() => children.delete(pid));
  return running;
}

/** Runs a program to its end and returns what it printed. Throws if it fails. */
export async function run(command: Command): Promise<string> {
  const running = start(command);
  const code = await running.exited;
  if (code !== 0) throw new Error(`${command.program} ended with ${code}: ${running.errors()}`);
  return running.output();
}

/** The first line a program says about its version, wherever it says it. */
export function versionOf(program: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  return `${stdout ?? ""}${stderr ?? ""}`.trim().split("\n")[0] ?? "unknown";
}

/** Asks the process to end; after ten seconds ends it and its descendants. Says whether that was needed. */
export async function stop(running: Running): Promise<{ readonly killed: boolean }> {
  const entry = children.get(running.pid);
  if (entry === undefined) return { killed: false };
  entry.child.kill("SIGTERM");
  const ended = await Promise.race([running.exited.then(() => true), sleep(10_000, false, { ref: false })]);
  if (ended) return { killed: false };
  killTree(running.pid);
  await running.exited;
  return { killed: true };
}

export async function stopAll(): Promise<void> {
  await Promise.all([...children.values()].map(({ running }) => stop(running)));
}

function killTree(root: number): void {
  for (const pid of treeOf(root)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it ended by itself
    }
  }
}

const directories: string[] = [];

/** However the bench ends: what it did not stop by then is killed, and its directories are removed. */
process.on("exit", () => {
  for (const pid of children.keys()) killTree(pid);
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A new directory that is removed when the bench ends. */
export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  directories.push(directory);
  return directory;
}

/**
 * A free port below the range that outgoing connections take theirs from: a port in that range can be gone when the
 * server wants it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/**
 * Resolves once the address answers 200, with the milliseconds since `startedAt`. Throws if the process ends first, or
 * the patience.
 */
export async function untilReady(
  running: Running,
  url: string,
  startedAt: number,
  patienceMs = 15_000,
): Promise<number> {
  const deadline = startedAt + patienceMs;
  let ended = false;
  void running.exited.then(() => (ended = true));
  while (performance.now() < deadline && !ended) {
    if (await answers(url)) return performance.now() - startedAt;
    await sleep(2);
  }
  throw new Error(`${url} does not answer with 200: ${running.errors() || running.output()}`);
}

/** Resolves once the process has printed the text. Throws if it ends first, or the patience. */
export async function untilPrinted(running: Running, text: string, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let ended = false;
  void running.exited.then(() => (ended = true));
  while (!running.output().includes(text)) {
    if (ended || performance.now() > deadline) throw new Error(`it did not print "${text}": ${running.errors()}`);
    await sleep(20);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
