import { Command, Option } from "commander";
import type { CommandContext, CommandEntry, Group, Leaf } from "./command.ts";

export const globalOptions: readonly (readonly [flags: string, summary: string])[] = [
  ["--url <url>", "the gateway to talk to (else PORTCULLIS_URL, else http://127.0.0.1:8484)"],
  ["--home <directory>", "where this installation keeps its files (else PORTCULLIS_HOME, else ~/.portcullis)"],
  ["--json", "print JSON"],
];

export interface ProgramParts {
  readonly version: string;
  readonly entries: readonly CommandEntry[];
  /** Made from the options that every command has, once they are known. */
  createContext(globals: CommandContext["globals"]): CommandContext;
  /** Receives what the command that ran returned. */
  finished(exitCode: number): void;
  readonly output: {
    readonly out: (text: string) => void;
    readonly error: (text: string) => void;
    readonly width: number | undefined;
  };
}

/**
 * The parser for `argv`. Only the command that `argv` names is loaded; of the others the parser knows name and summary,
 * which is all that the list of commands and the suggestion for a mistyped one need.
 */
export async function createProgram(parts: ProgramParts, argv: readonly string[]): Promise<Command> {
  const program = new Command("portcullis")
    .description("One gate in front of every AI provider.")
    .version(parts.version, "--version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: parts.output.out,
      writeErr: parts.output.error,
      // What is wrong is thrown, and printed by `runCli` in the form all errors have.
      outputError: () => undefined,
      getOutHelpWidth: () => parts.output.width ?? 100,
      getErrHelpWidth: () => parts.output.width ?? 100,
    })
    .exitOverride();
  for (const [flags, summary] of globalOptions) program.option(flags, summary);
  const named = namedCommand(argv);
  for (const entry of parts.entries) {
    const command = program.command(entry.name).description(entry.summary);
    if (entry.name === named) await fill(command, await entry.load(), parts);
  }
  return program;
}

/** The first word of `argv` that is neither an option of every command, nor its value, nor `help`. */
function namedCommand(argv: readonly string[]): string | undefined {
  const withValue = new Set(["--url", "--home"]);
  return argv.find((word, index) => !word.startsWith("-") && word !== "help" && !withValue.has(argv[index - 1] ?? ""));
}

async function fill(command: Command, body: Leaf | Group, parts: ProgramParts): Promise<void> {
  if ("commands" in body) {
    for (const entry of body.commands) {
      await fill(command.command(entry.name).description(entry.summary), await entry.load(), parts);
    }
    return;
  }
  const read = declareParameters(command, body);
  command.addHelpText(
    "after",
    `\n${body.examples.length === 1 ? "Example" : "Examples"}:\n${body.examples.map((line) => `  $ ${line}\n`).join("")}`,
  );
  command.action(async () => {
    const context = parts.createContext(command.optsWithGlobals());
    parts.finished((await body.run(context, read())) ?? 0);
  });
}

/** Tells the parser what the command takes; the function returned reads it back, typed. */
function declareParameters(command: Command, { parameters }: Leaf): () => Readonly<Record<string, unknown>> {
  const positions: string[] = [];
  const options = new Map<string, string>();
  for (const [name, parameter] of Object.entries(parameters)) {
    if (parameter.kind === "argument") {
      command.argument(parameter.form, parameter.summary);
      positions.push(name);
      continue;
    }
    const option = new Option(parameter.form, parameter.summary);
    if (parameter.repeatable)
      option.argParser((value: string, before?: string) => (before === undefined ? value : `${before},${value}`));
    command.addOption(option);
    options.set(name, option.attributeName());
  }
  return () => {
    const given: Readonly<Record<string, unknown>> = command.opts();
    const raw = (name: string): unknown => {
      const attribute = options.get(name);
      return attribute === undefined ? command.processedArgs[positions.indexOf(name)] : given[attribute];
    };
    return Object.fromEntries(
      Object.entries(parameters).map(([name, parameter]) => [name, parameter.parse(raw(name))]),
    );
  };
}
