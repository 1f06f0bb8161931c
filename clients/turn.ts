/**
 * One run of a client as its user would start it, but in surroundings that hold nothing else: a home, a working
 * directory and a PATH of its own, no input, and of the environment only what the test gives.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { programOf, type ClientName } from "./installation.ts";

export interface Place {
  /** The user's home. */
  readonly home: string;
  /** A fresh git repository. */
  readonly directory: string;
  /** Clients, git and a shell. */
  readonly path: string;
}

export interface Turn {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const removable: string[] = [];
process.on("exit", () => {
  for (const path of removable) rmSync(path, { recursive: true, force: true });
});

export function createPlace(): Place {
  const root = mkdtempSync(join(tmpdir(), "portcullis-client-"));
  removable.push(root);
  const programs = join(root, "bin");
  mkdirSync(programs);
  for (const name of ["claude", "codex"] as const) {
    const program = programOf(name);
    if (program !== undefined) symlinkSync(program, join(programs, name));
  }
  const place = {
    home: join(root, "home"),
    directory: join(root, "work"),
    path: [programs, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
  };
  tidy(place);
  return place;
}

/** Makes a used place as it was at first, at the same path. */
export function tidy({ home, directory }: Place): void {
  for (const path of [home, directory]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
  }
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", directory]);
}

/** Keeps each client from talking to anyone but the gateway: updates, telemetry, plug-in lists. */
const quiet = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1",
};

/** Runs a program until it ends, but no longer than a minute; what it had started ends with it. */
export function runIn(
  place: Place,
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Turn> {
  const child = spawn(program, args, {
    cwd: place.directory,
    env: { HOME: place.home, PATH: place.path, LANG: "C.UTF-8", ...quiet, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a process group of its own
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  const limit = setTimeout(() => {
    output.stderr += "\n(ended by the test after a minute)\n";
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, 60_000);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => {
      clearTimeout(limit);
      resolve({ exitCode, ...output });
    });
  });
}

/** What both sides of a failed assertion should show. */
export function told(name: ClientName, { exitCode, stdout, stderr }: Turn): string {
  return `${name} ended with ${exitCode}\n--- standard output\n${stdout}\n--- standard error\n${stderr}`;
}
