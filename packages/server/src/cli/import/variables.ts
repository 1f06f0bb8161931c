import { variableName } from "../../kernel/reference.ts";
import { skipped, type Finding, type ReaderContext } from "./finding.ts";
import { looksUnset } from "./unset-value.ts";

/** A name with a value, as an environment or a file of secrets has it. */
export interface Variable {
  readonly place: string;
  readonly name: string;
  readonly value: string;
}

/**
 * What names say: that of a variable which a provider takes its key from (`OPENAI_API_KEY`, also spelt `openai_api_key`,
 * `openai-api-key` or `openai.api.key`) is a credential. What becomes of another one, `others` says: nothing, a line in
 * the report if it looks like a secret, a secret if it looks like one, or a secret.
 */
export function readVariables(
  variables: readonly Variable[],
  context: ReaderContext,
  others: "ignore" | "mention" | "keepLikely" | "keep",
): readonly Finding[] {
  const values = new Map(variables.map(({ name, value }) => [variableName(name.trim()), value]));
  return variables.flatMap((variable): readonly Finding[] => {
    const wanted = variableName(variable.name.trim());
    if (context.keyVariables.includes(wanted)) return [readKey(variable, wanted, values)];
    if (others === "ignore" || wanted.startsWith("PORTCULLIS_")) return [];
    if (others !== "keep" && !looksSecret(variable)) return [];
    return [others === "mention" ? mention(variable) : readSecret(variable)];
  });
}

function readKey({ place, name, value }: Variable, variable: string, values: ReadonlyMap<string, string>): Finding {
  const unset = looksUnset(value);
  if (unset !== undefined) return skipped(place, "credential", name, unset);
  const address = addressBeside(variable, values);
  const at = address === undefined ? {} : { base_url: address };
  return { place, item: { kind: "credential", variable, value: value.trim(), label: name.slice(0, 100), ...at } };
}

function readSecret({ place, name, value }: Variable): Finding {
  if (value === "") return skipped(place, "secret", name, "it is empty");
  return { place, item: { kind: "secret", name: secretName(name), value } };
}

function mention({ place, name }: Variable): Finding {
  return skipped(place, "secret", name, "no provider takes it; `--secrets` keeps it as a secret");
}

/** Where the programs that read this variable send its key, if a variable beside it says so. */
function addressBeside(variable: string, values: ReadonlyMap<string, string>): string | undefined {
  const stem = variable.replace(/_(?:API_KEY|TOKEN)$/, "");
  const names = [`${stem}_BASE_URL`, `${stem}_API_BASE`, `${stem}_API_BASE_URL`, `${stem}_API_URL`];
  const address = names.map((name) => values.get(name)?.trim()).find((value) => value !== undefined && value !== "");
  return address !== undefined && /^https?:\/\//i.test(address) ? address : undefined;
}

/** The name as secrets are called here: lower case, without spaces. */
function secretName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.-]+/g, "_")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 128);
}

function looksSecret({ name, value }: Variable): boolean {
  if (value === "") return false;
  if (/(?:key|token|secret|password|passwd|passphrase)$/i.test(name)) return true;
  return /:\/\/[^/\s]*:[^/\s]*@/.test(value.slice(0, 1000)); // an address with a password in it
}
