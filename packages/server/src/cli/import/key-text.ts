import type { ReaderContext } from "./finding.ts";
import { looksUnset } from "./unset-value.ts";

/** A key as a configuration has it: itself, or the name of the variable that holds it. */
export type KeyText = { readonly value: string } | { readonly variable: string };

/** What a credential item takes of a key: its value if it is at hand, else a reference to where it is. */
export function keyOf(
  key: KeyText,
  { environment }: Pick<ReaderContext, "environment">,
): { readonly value: string } | { readonly reference: string } | { readonly problem: string } {
  // A file of somebody else's must not have the gateway's own secrets sent to an address of its choice.
  if ("variable" in key && key.variable.startsWith("PORTCULLIS_")) {
    return { problem: "it names a variable of the gateway itself" };
  }
  const value = "value" in key ? key.value : environment[key.variable];
  if ("variable" in key && (value === undefined || value === "")) return { reference: `env:${key.variable}` };
  const problem = looksUnset(value ?? "");
  return problem === undefined ? { value: (value ?? "").trim() } : { problem };
}
