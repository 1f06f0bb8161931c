import { AppError } from "../kernel/errors.ts";
import { parseReference } from "../kernel/reference.ts";
import { Secret } from "../kernel/secret.ts";

const longest = 512;

/**
 * A reference as somebody gives it over the API, to be sealed. A file is not taken: whoever may call the API could have
 * any file of the gateway's own user sent to an address of their choice. Files are named in the configuration.
 *
 * Throws `reference_invalid`.
 */
export function parseKeyReference(text: string): Secret {
  const problem = problemOf(text);
  if (problem !== undefined) throw new AppError("reference_invalid", { problem });
  return new Secret(text);
}

function problemOf(text: string): string | undefined {
  if (text.length > longest) return `a reference is at most ${longest} characters long`;
  const parsed = parseReference(text);
  if ("problem" in parsed) return parsed.problem;
  if (parsed.kind !== "file") return undefined;
  return "a credential cannot refer to a file; the configuration can, as `providers.ID.api_key: file:/path`";
}
