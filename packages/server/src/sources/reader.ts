import { textAt, type ExternalEnvironment } from "../external/index.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Reference } from "../kernel/reference.ts";
import { Secret } from "../kernel/secret.ts";
import type { SourceSettings } from "./settings.ts";

/** Reads the value of a reference of one kind. What it throws says nothing of the value. */
export type Reader = (reference: Reference) => Promise<Secret>;

export interface ReaderParts {
  readonly settings: SourceSettings;
  readonly environment: ExternalEnvironment;
  /** The value of a variable of the process, taken out of it. */
  readonly variable: (name: string) => Secret | undefined;
  /** Files and directories whose content is the gateway's own and goes nowhere. */
  readonly ownPaths: readonly string[];
  /** Where `~` is. */
  readonly userHome: string;
  readonly clock: Clock;
}

/** The value, or the field of it if one is asked for: the value is then a JSON object. */
export function valueOf(text: string, { field }: Reference): Secret {
  if (field === undefined) return secretOf(text);
  const parsed = parsedObject(text);
  if (parsed === undefined) throw new SourceProblem("it is no JSON object, so it has no fields", true);
  return secretOf(textAt(parsed, field), field);
}

/** A value without the line break that editors and `echo` put at its end. */
export function secretOf(text: string | undefined, field?: string): Secret {
  const value = text?.replace(/\r?\n$/, "") ?? "";
  const where = field === undefined ? "it is empty" : `there is no text in a field \`${field}\` of it`;
  if (value === "") throw new SourceProblem(where, true);
  return new Secret(value);
}

/** Why a reference has no value. */
export class SourceProblem extends Error {
  override readonly name = "SourceProblem";
  /** Whether the source answered that there is nothing (any more): no earlier value may stand in for it. */
  readonly gone: boolean;

  constructor(message: string, gone: boolean) {
    super(message);
    this.gone = gone;
  }
}

function parsedObject(text: string): object | undefined {
  try {
    const parsed = JSON.parse(text) as unknown;
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined; // without the cause: V8 quotes the text in its message
  }
}
