import type { InputStream, OutputStream } from "./parts.ts";

/** The person at the terminal gave up a question. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
  constructor() {
    super("cancelled");
  }
}

export interface Choice<Value> {
  readonly value: Value;
  readonly label: string;
  readonly hint?: string;
}

/** Questions to the person at the terminal, asked on standard error. Each rejects with `Cancelled` on Ctrl-C or Escape. */
export interface Questions {
  /** Whether there is someone to ask. */
  readonly interactive: boolean;
  /** An answer may be empty unless it is `required`. */
  text(message: string, options?: { readonly placeholder?: string; readonly required?: boolean }): Promise<string>;
  /** What is typed is not shown, and never empty. */
  secret(message: string): Promise<string>;
  confirm(message: string, initial: boolean): Promise<boolean>;
  select<const Value extends string>(message: string, choices: readonly Choice<Value>[]): Promise<Value>;
}

/** The library behind the questions is loaded with the first one: most runs ask nothing. */
export function createQuestions(input: InputStream, output: OutputStream): Questions {
  const streams = { input, output };
  const load = () => import("@clack/prompts");
  const required = (value: string | undefined) =>
    value === undefined || value.trim() === "" ? "an answer is needed" : undefined;
  return {
    interactive: input.isTTY === true && output.isTTY === true,
    async text(message, options = {}) {
      const { text } = await load();
      const placeholder = options.placeholder === undefined ? {} : { placeholder: options.placeholder };
      const answer = await text({
        ...streams,
        message,
        ...placeholder,
        ...(options.required === true ? { validate: required } : {}),
      });
      return answered(answer ?? "").trim();
    },
    async secret(message) {
      const { password } = await load();
      return answered(await password({ ...streams, message, validate: required }));
    },
    async confirm(message, initial) {
      const { confirm } = await load();
      return answered(await confirm({ ...streams, message, initialValue: initial }));
    },
    async select(message, choices) {
      const { select } = await load();
      const options = choices.map((choice) => ({ ...choice }));
      return answered(await select<string>({ ...streams, message, options })) as (typeof choices)[number]["value"];
    },
  };
}

function answered<Value>(answer: Value): Exclude<Value, symbol> {
  if (typeof answer === "symbol") throw new Cancelled();
  return answer as Exclude<Value, symbol>;
}
