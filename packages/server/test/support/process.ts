/**
 * The product as its users run it: `portcullis serve` in a process of its own, which can be killed, and single commands
 * of the CLI. Neither sees anything of this process's environment but `PATH`.
 *
 *     const gate = await serve({ home });
 *     const status = await cli(["status", "--json"], { home, url: gate.url });
 *     await gate.stop();
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient, type Client } from "@portcullis/client";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface ServeOptions {
  readonly home: string;
  /** Arguments after `serve`; `--port 0` unless they say otherwise. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Ended {
  /** `null` if a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GatewayProcess {
  readonly url: string;
  readonly pid: number;
  /** With the right of `admin.token`. */
  readonly admin: Client;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** kill -9; resolves once the process is gone. */
  kill(): Promise<Ended>;
  /** SIGTERM; resolves once the process has ended by itself. */
  stop(): Promise<Ended>;
}

/** Starts a gateway and resolves once it accepts connections; rejects with what it wrote if it ends before that. */
export async function serve(options: ServeOptions): Promise<GatewayProcess> {
  const { process: child, ended, stdout, stderr } = launch(options);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on("data", () => {
      const found = /^portcullis listening on (\S+)$/m.exec(stdout());
      if (found?.[1] !== undefined) resolve(found[1]);
    });
    void ended.then((end) => reject(new Error(`the gateway ended at its start (${end.code}): ${end.stderr}`)));
  });
  const signal = (name: NodeJS.Signals): Promise<Ended> => {
    child.kill(name);
    return ended;
  };
  return {
    url,
    pid: child.pid ?? 0,
    stdout,
    stderr,
    admin: createClient({ baseUrl: url, token: adminToken(options.home) }),
    kill: () => signal("SIGKILL"),
    stop: () => signal("SIGTERM"),
  };
}

/** Starts a gateway that is expected to refuse to start, and resolves to how it ended. */
export function serveRefused(options: ServeOptions): Promise<Ended> {
  return launch(options).ended;
}

/** Starts a gateway and kills it after `afterMs`, wherever it is by then. */
export async function serveBriefly(options: ServeOptions, afterMs: number): Promise<void> {
  const { process: child, ended } = launch(options);
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  await ended;
  clearTimeout(timer);
}

/** Runs one command to its end. */
export async function cli(
  args: readonly string[],
  options: {
    readonly home: string;
    readonly url?: string;
    readonly input?: string;
    readonly environment?: Readonly<Record<string, string>>;
  },
): Promise<Ended> {
  const place = ["--home", options.home, ...(options.url === undefined ? [] : ["--url", options.url])];
  const started = start([...place, ...args], options.environment, "pipe");
  started.process.stdin?.on("error", () => undefined); // a command that reads nothing may be gone before its input
  started.process.stdin?.end(options.input ?? "");
  return started.ended;
}

/** The first line of an error on standard error, and its hint. */
export function explanation({ stderr }: Ended): { readonly error: string; readonly hint: string | undefined } {
  const error = /^error: (.*)$/m.exec(stderr)?.[1] ?? "";
  return { error, hint: /^hint: (.*)$/m.exec(stderr)?.[1] };
}

function launch({ home, args = [], environment }: ServeOptions): Started {
  const port = args.includes("--port") ? [] : ["--port", "0"];
  return start(["--home", home, "serve", ...port, ...args], environment, "ignore");
}

interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
}

function start(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stdin: "pipe" | "ignore",
): Started {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: tmpdir(), // no portcullis.yaml of the repository's
    env: { PATH: process.env["PATH"], ...environment },
    stdio: [stdin, "pipe", "pipe"],
  });
  running.add(child);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const ended = once(child, "close").then(([code, signal]: unknown[]) => {
    running.delete(child);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, stdout: stdout(), stderr: stderr() };
  });
  return { process: child, ended, stdout, stderr };
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}

/** Given by a test through the environment of the first start, or made by the gateway; the file knows. */
function adminToken(home: string): string {
  const file = join(home, "admin.token");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
}
