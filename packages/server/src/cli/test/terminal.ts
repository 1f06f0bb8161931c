import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { Secret } from "../../kernel/secret.ts";
import { runCli, type CliParts } from "../index.ts";
import { startAdminServer, type Answers } from "./admin-server.ts";

/** What a person does at the terminal: when a question with this text is asked, these keys are pressed. */
export type Reply = readonly [question: string, keys: string];

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** What is piped in. */
  readonly stdin?: string;
  /** Someone sits at a terminal of this width and replies, in this order. */
  readonly terminal?: { readonly columns?: number; readonly replies?: readonly Reply[] };
  readonly parts?: Partial<CliParts>;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const enter = "\r";
export const down = "\u001b[B";

/** Runs one command line in this process, between streams of the test's. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const terminal =
    options.terminal === undefined ? {} : { isTTY: true, columns: options.terminal.columns ?? 100, rows: 50 };
  const stdin = Object.assign(new PassThrough(), terminal, { setRawMode: () => undefined });
  const stdout = Object.assign(new PassThrough(), terminal);
  const stderr = Object.assign(new PassThrough(), terminal);
  const read = { stdout: collect(stdout), stderr: collect(stderr) };
  if (options.terminal === undefined) stdin.end(options.stdin ?? "");
  else reply(stdin, stderr, options.terminal.replies ?? []);
  const code = await runCli(argv, {
    version: "1.2.3",
    environment: options.environment ?? {},
    configNames: { dialects: ["openai-chat"], providers: [], keyVariables: [] },
    stdin,
    stdout,
    stderr,
    self: ["false"],
    readAdminToken: async () => new Secret("pca_from_the_file"),
    serve: unexpected("serve"),
    demo: unexpected("demo"),
    simulate: unexpected("simulate"),
    doctor: unexpected("doctor"),
    database: () => {
      throw new Error("database was not expected to be used");
    },
    backups: () => {
      throw new Error("backups were not expected to be used");
    },
    ...options.parts,
  });
  return { code, stdout: read.stdout(), stderr: read.stderr() };
}

/** The same against a gateway with the given answers, which `calls` tells of. */
export async function runAgainst(
  context: TestContext,
  answers: Answers,
  argv: readonly string[],
  options: RunOptions = {},
) {
  const server = await startAdminServer(answers);
  context.after(() => server.close());
  const environment = { PORTCULLIS_URL: server.url, ...options.environment };
  const result = await run(argv, { ...options, environment });
  return { ...result, calls: server.calls, url: server.url };
}

function collect(stream: PassThrough): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  return () => text;
}

/** Presses the keys of each reply once its question has appeared. */
function reply(stdin: PassThrough, screen: PassThrough, replies: readonly Reply[]): void {
  const waiting = [...replies];
  let shown = "";
  screen.on("data", (chunk: Buffer) => {
    shown += chunk.toString("utf8");
    const [question, keys] = waiting[0] ?? [];
    if (question === undefined || keys === undefined || !shown.includes(question)) return;
    waiting.shift();
    shown = "";
    setImmediate(() => stdin.write(keys));
  });
}

function unexpected(name: string) {
  return (): Promise<never> => Promise.reject(new Error(`${name} was not expected to be used`));
}
