import { PortcullisError } from "@portcullis/client";
import { CommanderError, type Command } from "commander";
import { AppError } from "../kernel/errors.ts";
import { commands } from "./commands/index.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { createOutput, type Output } from "./output.ts";
import type { CliParts, OutputStream } from "./parts.ts";
import { createProgram } from "./program.ts";
import { createQuestions } from "./questions.ts";

/** Runs one command line (`argv` without the program's name) and resolves to its exit code. It never rejects. */
export async function runCli(argv: readonly string[], parts: CliParts): Promise<number> {
  const output = createOutput(parts.stdout, parts.stderr);
  for (const stream of [parts.stdout, parts.stderr]) stream.on("error", ignoreLostReader);
  try {
    return await parseAndRun(argv, parts, output);
  } catch (thrown) {
    explain(thrown, output);
    return exitCodeOf(thrown);
  }
}

async function parseAndRun(argv: readonly string[], parts: CliParts, output: Output): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = await createProgram(
    {
      version: parts.version,
      entries: commands,
      createContext: (globals) => ({
        parts,
        output,
        questions: createQuestions(parts.stdin, parts.stderr),
        show: (result, view) => (globals.json === true ? output.json(result) : view()),
        commands,
        globals,
      }),
      finished: (code) => (exitCode = code),
      output: { out: write(parts.stdout), error: write(parts.stderr), width: parts.stdout.columns },
    },
    argv,
  );
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    // This is also how the parser says that it has printed a help or the version.
    if (thrown.exitCode === 0) return exitCodes.done;
    if (thrown.code !== "commander.help") explainUsage(thrown, commandPath(program, argv), output);
    return exitCodes.wrongUsage;
  }
  return exitCode;
}

function write(stream: OutputStream): (text: string) => void {
  return (text) => void stream.write(text);
}

/** A reader that has seen enough (`portcullis … | head`) closes the pipe, or the terminal is gone; that is no failure of ours. */
function ignoreLostReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
}

/** The commands that `argv` names, as far as there are such: `portcullis keys create`. */
function commandPath(program: Command, argv: readonly string[]): string {
  let command = program;
  const path = [program.name()];
  for (const word of argv) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) continue;
    command = next;
    path.push(word);
  }
  return path.join(" ");
}

/** The parser's own refusals, without the words it did not expect: one of them may be a secret in the wrong place. */
function explainUsage(error: CommanderError, path: string, output: Output): void {
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const discreet = message.replace(/( but got \d+): .*$/, "$1").replace(/('-[\w-]*)=.*'/, "$1'");
  output.error(discreet, suggestion?.replace(/^\(Did (.*\?)\)$/, "did $1") ?? `see \`${path} --help\``);
}

function explain(thrown: unknown, output: Output): void {
  if (thrown instanceof PortcullisError) {
    const reference =
      thrown.code === "internal" && thrown.requestId !== undefined ? ` (request ${thrown.requestId})` : "";
    output.error(thrown.message + reference, thrown.hint);
    return;
  }
  if (thrown instanceof AppError) {
    output.error(
      thrown.code === "internal" ? `${thrown.message}: ${String(thrown.cause)}` : thrown.message,
      thrown.hint,
    );
    return;
  }
  output.error(thrown instanceof Error ? thrown.message : String(thrown));
}
