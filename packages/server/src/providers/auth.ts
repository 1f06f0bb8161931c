import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";

/** How a provider wants to be shown its key. */
export type AuthScheme =
  | { readonly scheme: "bearer" }
  | { readonly scheme: "basic" }
  | { readonly scheme: "header"; readonly name: string };

/** `authorization: Bearer KEY` */
export function bearer(): AuthScheme {
  return { scheme: "bearer" };
}

/** `authorization: Basic …`, the key being `user:password`, in base64. */
export function basic(): AuthScheme {
  return { scheme: "basic" };
}

/** `NAME: KEY` */
export function header(name: string): AuthScheme {
  return { scheme: "header", name };
}

/** The headers that carry the key; none without a key. */
export function authHeaders(auth: AuthScheme, key: Secret | undefined): Record<string, string> {
  if (key === undefined) return {};
  if (auth.scheme === "bearer") return { authorization: `Bearer ${key.reveal()}` };
  if (auth.scheme === "basic") return { authorization: `Basic ${Buffer.from(key.reveal()).toString("base64")}` };
  return { [auth.name]: key.reveal() };
}

const longestKey = 8192;

/**
 * The key without the white space around it that copying and `echo` leave. What could not be sent in a header
 * unchanged (a line break, a space, anything beyond ASCII) is refused here, where the person who pasted it can see it.
 */
export function parseKey(text: Secret): Secret {
  const key = text.reveal().trim();
  if (key === "") throw new AppError("invalid_request", { problem: "the API key is empty" });
  if (key.length > longestKey) {
    throw new AppError("invalid_request", { problem: `the API key is longer than ${longestKey} characters` });
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new AppError("invalid_request", {
      problem: "the API key holds a space, a line break or a character beyond ASCII",
    });
  }
  return new Secret(key);
}
