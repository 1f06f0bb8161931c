import type { Readable } from "node:stream";
import { wrongUsage, type CommandContext } from "./command.ts";

const maxBytes = 65_536;

/**
 * Reads a secret without its ever being an argument: from the environment variable `fromEnv` if that is given, from a
 * prompt on a terminal, else from standard input (one trailing line break is not part of it). `what` names it: "API key".
 */
export async function readSecret(
  { parts, questions }: CommandContext,
  what: string,
  fromEnv?: string,
): Promise<string> {
  if (fromEnv !== undefined) {
    const value = parts.environment[fromEnv];
    if (value === undefined || value === "") {
      throw wrongUsage(
        `the environment variable ${fromEnv} is not set`,
        `set it to the ${what}, or leave --from-env out to be asked`,
      );
    }
    return value;
  }
  if (questions.interactive) return questions.secret(what);
  const advice = `pipe it in (printf %s "$SECRET" | portcullis …), or name a variable with --from-env`;
  if (parts.stdin.isTTY === true) throw wrongUsage(`there is no terminal to ask for the ${what}`, advice);
  const value = (await readAll(parts.stdin, what)).replace(/\r?\n$/, "");
  if (value === "") throw wrongUsage(`no ${what} was given on standard input`, advice);
  return value;
}

/** The same for one that is made up now. On a terminal it is typed twice: a slip would not show before it is needed. */
export async function readNewSecret(context: CommandContext, what: string, fromEnv?: string): Promise<string> {
  const value = await readSecret(context, what, fromEnv);
  if (fromEnv !== undefined || !context.questions.interactive) return value;
  if ((await context.questions.secret("the same again")) === value) return value;
  throw wrongUsage("the two differ", "try again");
}

async function readAll(input: Readable, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes)
      throw wrongUsage(`the ${what} on standard input is too long`, `a secret has at most ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
