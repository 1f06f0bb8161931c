import { variableName } from "../../kernel/reference.ts";
import { SourceProblem, type Reader, type ReaderParts } from "../reader.ts";

/** `env:NAME`: the variable of that name, or else the one that the name stands for. */
export function environmentReader({ variable }: ReaderParts): Reader {
  return async ({ place }) => {
    const value = variable(place) ?? variable(variableName(place));
    if (value === undefined) throw new SourceProblem("this variable is not set", true);
    return value;
  };
}
