import { AppError } from "../kernel/errors.ts";

const idForm = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;

/** The id of a provider: it stands before the slash of `provider/model`, in addresses and in headers. */
export function parseId(text: string): string {
  if (idForm.test(text)) return text;
  throw new AppError("invalid_request", {
    problem:
      "a provider's name is 1 to 64 lower-case letters, digits, `.`, `_` and `-`, and begins and ends with a letter or digit",
  });
}

/** A name for people, of a provider, a model or a key. */
export function parseName(text: string): string {
  const name = text.trim();
  if (name !== "" && name.length <= 100 && !/\p{C}/u.test(name)) return name;
  throw new AppError("invalid_request", { problem: "a name for display is 1 to 100 printable characters" });
}

/** The id of a model, as its provider writes it. */
export function isModelId(text: string): boolean {
  return /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/.test(text);
}
