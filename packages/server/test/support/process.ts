/**
 * The product as its users run it: `portcullis serve` in a process of its own, which can be killed, and single commands
 * of the CLI. Neither sees anything of this process's environment but `PATH`. Node keeps what it compiled for the next
 * one, which halves the time that a start takes.
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
import { endpoints } from "@portcullis/contract";
import { send, simulated, type Gate } from "./gateway.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const compileCache = join(tmpdir(), "portcullis-test-compile-cache");
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
  readonly home: string;
  readonly pid: number;
  /** With the right of `admin.token`. */
  readonly admin: Client;
  /** Resolves once this stands on its standard output. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** Sends a signal and waits for nothing. */
  signal(name: NodeJS.Signals): void;
  /** Resolves once the process has ended, whatever ended it. */
  readonly ended: Promise<Ended>;
  /** kill -9; resolves once the process is gone. */
  kill(): Promise<Ended>;
  /** SIGTERM; resolves once the process has ended by itself. */
  stop(): Promise<Ended>;
}

/** Starts a gateway and resolves once it accepts connections; rejects with what it wrote if it ends before that. */
export async function serve(options: ServeOptions): Promise<GatewayProcess> {
  const { process: child, ended, stdout, stderr } = launch(options);
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(stdout());
        if (found !== null) resolve(found);
      };
      look();
      child.stdout?.on("data", look);
      void ended.then((end) => reject(new Error(`the gateway ended (${end.code}): ${end.stderr}`)));
    });
  const [, url = ""] = await printed(/^portcullis listening on (\S+)$/m);
  const end = (name: NodeJS.Signals): Promise<Ended> => {
    child.kill(name);
    return ended;
  };
  return {
    url,
    home: options.home,
    pid: child.pid ?? 0,
    printed,
    stdout,
    stderr,
    admin: createClient({ baseUrl: url, token: adminTokenOf(options.home) }),
    signal: (name) => void child.kill(name),
    ended,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}

/** Adds the simulated providers to a new gateway, all at one address, and makes a key for callers. */
export async function furnish(admin: Client, baseUrl: string, providerKey: string): Promise<string> {
  for (const [dialect, id] of Object.entries(simulated) as [keyof typeof simulated, string][]) {
    await admin.call(endpoints.providers.create, { input: { id, dialect, base_url: baseUrl, allow_private: true } });
    await admin.call(endpoints.credentials.create, { input: { provider: id, value: providerKey } });
  }
  return (await admin.call(endpoints.keys.create, { input: { description: "callers" } })).key;
}

/** What callers need of a gateway. */
export function callersOf(url: string, key: string): Pick<Gate, "url" | "key" | "post"> {
  return { url, key, post: (path, body, headers) => send(url + path, "POST", key, headers, JSON.stringify(body)) };
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
    env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: compileCache, ...environment },
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
export function adminTokenOf(home: string): string {
  const file = join(home, "admin.token");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
}
