import { AppError } from "../kernel/errors.ts";
import { parseDurationMs } from "../kernel/clock.ts";
import type { Output } from "./output.ts";
import type { CliParts } from "./parts.ts";
import type { Questions } from "./questions.ts";

// Commands are data. What a command takes is declared once, in `parameters`; from it follow the parser, the help, the
// completion scripts and the type of what `run` receives.

export interface CommandContext {
  readonly parts: CliParts;
  readonly output: Output;
  readonly questions: Questions;
  /** Prints a result: as it came from the API with `--json`, else the way `view` does. */
  readonly show: (result: unknown, view: () => void) => void;
  /** All commands there are. */
  readonly commands: readonly CommandEntry[];
  /** The options that every command has. */
  readonly globals: { readonly url?: string; readonly home?: string; readonly json?: boolean };
}

export interface Parameter<Value> {
  readonly kind: "argument" | "option";
  /** `<id>`, `[id]`, `[args...]`, or flags such as `--label <text>`. */
  readonly form: string;
  readonly summary: string;
  /** Repeats are joined with commas before they are parsed. */
  readonly repeatable: boolean;
  /** From what the parser gives (text, a list of texts, `true`, `false` or nothing). Throws `wrong_usage`. */
  parse(raw: unknown): Value;
}

type Parameters = Readonly<Record<string, Parameter<unknown>>>;
export type ValuesOf<Declared extends Parameters> = {
  readonly [Name in keyof Declared]: ReturnType<Declared[Name]["parse"]>;
};

/** A command that does something. */
export interface Leaf {
  readonly parameters: Parameters;
  /** At least one line that can be typed as it stands. */
  readonly examples: readonly [string, ...string[]];
  /** The exit code; 0 if nothing is returned. */
  run(context: CommandContext, values: Readonly<Record<string, unknown>>): Promise<number | void>;
}

/** A command that only holds others. */
export interface Group {
  readonly commands: readonly CommandEntry[];
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** What it is made of, loaded when needed, so that no command pays for another one's code. */
  load(): Leaf | Group | Promise<Leaf | Group>;
}

export function leaf<const Declared extends Parameters>(command: {
  readonly parameters: Declared;
  readonly examples: readonly [string, ...string[]];
  run(context: CommandContext, values: ValuesOf<Declared>): Promise<number | void>;
}): Leaf {
  return command;
}

/** A positional argument that must be given. */
export function argument(form: `<${string}>`, summary: string): Parameter<string> {
  return { kind: "argument", form, summary, repeatable: false, parse: String };
}

/** A positional argument that may be given. */
export function optionalArgument(form: `[${string}]`, summary: string): Parameter<string | undefined> {
  return { kind: "argument", form, summary, repeatable: false, parse: asText };
}

/** All remaining arguments. */
export function rest(form: `[${string}...]`, summary: string): Parameter<readonly string[]> {
  return {
    kind: "argument",
    form,
    summary,
    repeatable: false,
    parse: (raw) => (Array.isArray(raw) ? raw.map(String) : []),
  };
}

/** `--yes` */
export function flag(form: string, summary: string): Parameter<boolean> {
  return { kind: "option", form, summary, repeatable: false, parse: (raw) => raw === true };
}

/** `--label <text>` */
export function text(form: string, summary: string): Parameter<string | undefined> {
  return { kind: "option", form, summary, repeatable: false, parse: asText };
}

/** `--models <names>`: one value with commas, or the option several times. */
export function list(form: string, summary: string): Parameter<string[] | undefined> {
  return {
    kind: "option",
    form,
    summary,
    repeatable: true,
    parse: (raw) =>
      asText(raw)
        ?.split(",")
        .map((item) => item.trim())
        .filter((item) => item !== ""),
  };
}

export function integer(form: string, summary: string): Parameter<number | undefined> {
  return parsed(form, summary, "a whole number", (raw) => (/^\d{1,9}$/.test(raw) ? Number(raw) : undefined));
}

/** A duration as the API takes it: `30d`. */
export function duration(form: string, summary: string): Parameter<string | undefined> {
  return parsed(form, summary, "a duration like 15m, 24h or 30d", (raw) =>
    parseDurationMs(raw) === undefined ? undefined : raw.trim(),
  );
}

export function oneOf<const Choice extends string>(
  form: string,
  summary: string,
  choices: readonly Choice[],
): Parameter<Choice | undefined> {
  const expects = `one of ${choices.join(", ")}`;
  return parsed(form, `${summary} (${choices.join(", ")})`, expects, (raw) => choices.find((choice) => choice === raw));
}

function parsed<Value>(
  form: string,
  summary: string,
  expects: string,
  read: (raw: string) => Value | undefined,
): Parameter<Value | undefined> {
  return {
    kind: "option",
    form,
    summary,
    repeatable: false,
    parse(raw) {
      const given = asText(raw);
      if (given === undefined) return undefined;
      const value = read(given);
      if (value !== undefined) return value;
      throw wrongUsage(
        `${form.split(" ")[0] ?? form} must be ${expects}, not \`${given}\``,
        "see the command's --help",
      );
    },
  };
}

function asText(raw: unknown): string | undefined {
  return typeof raw === "string" ? raw : undefined;
}

export function wrongUsage(problem: string, advice: string): AppError {
  return new AppError("wrong_usage", { problem, advice });
}
