import type { Finding, ReaderContext } from "./finding.ts";
import { readVariables } from "./variables.ts";

/** The environment of this process: the providers' keys in it, and nothing else. */
export function readEnvironment(context: ReaderContext): readonly Finding[] {
  const variables = Object.entries(context.environment)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, value]) => (value === undefined ? [] : [{ place: name, name, value }]));
  return readVariables(variables, context, "ignore");
}
