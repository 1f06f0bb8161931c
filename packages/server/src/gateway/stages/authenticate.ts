import { AppError } from "../../kernel/errors.ts";
import { fingerprintOf, type Caller, type Keys } from "../../identity/index.ts";
import { ofHead, type HttpRequest } from "../../ingress/index.ts";

/**
 * The headers clients put a key in. None is preferred: official SDKs differ from version to version, and some send
 * two. The first that looks like a key of ours is taken; none of them is ever passed on.
 */
export const keyHeaders = [
  "authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
  // where clients of other gateways put theirs
  "x-portkey-api-key",
  "x-litellm-api-key",
  "x-bf-vk",
] as const;

/** Who calls. Throws `missing_key`, `invalid_request`, and what `Keys.authenticate` throws. */
export function authenticate(request: HttpRequest, keys: Keys): Caller {
  const { text, fingerprint } = shownKey(request);
  return keys.authenticate(text, request.socket.remoteAddress ?? "", fingerprint);
}

const shownKey = ofHead((request): { readonly text: string; readonly fingerprint: string } => {
  if (hasKeyInQuery(request.url ?? "")) {
    throw new AppError("invalid_request", { problem: "a key does not belong in the address; send it as a header" });
  }
  let foreign: string | undefined;
  for (const name of keyHeaders) {
    const text = tokenIn(name, request.headers[name]);
    if (text === undefined || text === "") continue;
    if (text.startsWith("pc_")) return { text, fingerprint: fingerprintOf(text) };
    foreign ??= text;
  }
  throw foreign === undefined ? new AppError("missing_key") : new AppError("invalid_key");
});

function tokenIn(name: string, value: string | string[] | undefined): string | undefined {
  if (typeof value !== "string") return undefined;
  if (name !== "authorization" && name !== "x-litellm-api-key") return value.trim();
  return /^bearer +(\S+) *$/i.exec(value)?.[1] ?? (name === "authorization" ? undefined : value.trim());
}

/** A key in the query, ours or a provider's, would be passed on with it, and be kept in logs on the way. */
function hasKeyInQuery(target: string): boolean {
  const question = target.indexOf("?");
  return question !== -1 && /pca?_[0-9a-z]{16}_|[?&](?:(?:api[-_]?)?key|access_token)=/i.test(target.slice(question));
}
