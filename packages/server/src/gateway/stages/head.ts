import type { HttpRequest } from "../../ingress/index.ts";
import { keyHeaders } from "./authenticate.ts";

/*
 * Which headers cross the gateway. Requests: every end-to-end header the client sent (`anthropic-version`,
 * `anthropic-beta` and whatever a client invents tomorrow), but for what belongs to this hop, to the gateway's own
 * origin or to the caller's network; the provider's key comes last. Replies: only what is known to be harmless, so that
 * no cookie and no account id of the key's owner gets out.
 */
const stopped: ReadonlySet<string> = new Set([
  ...keyHeaders,
  // this hop (RFC 9110 §7.6.1)
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  // set anew: usage is read from the reply, so it must come uncompressed
  "accept-encoding",
  // the gateway's own origin, and where the caller came from
  "cookie",
  "origin",
  "referer",
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
  "x-request-id",
]);

/** Meant for a gateway, this one or another that the client was written for, or for the page that the caller is on. */
const stoppedPrefixes = /^(?:x-portcullis-|x-portkey-|x-litellm-|x-bf-|sec-)/;

const mostJudged = 1_000;

/** Names are few and come with every request, so each is judged once. */
class Judgements {
  readonly #judge: (name: string) => string;
  readonly #known = new Map<string, string>();

  constructor(judge: (name: string) => string) {
    this.#judge = judge;
  }

  of(name: string): string {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const judged = this.#judge(name);
    if (this.#known.size < mostJudged && name.length <= 64) this.#known.set(name, judged);
    return judged;
  }
}

/** The request headers for the upstream, names and values in turn. `own` carries the provider's key and fixed headers. */
export function requestHeaders(request: HttpRequest, own: readonly string[]): string[] {
  const headers: string[] = [];
  const raw = request.rawHeaders;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = forwardedNames.of(raw[index] ?? "");
    if (name !== "") headers.push(name, raw[index + 1] ?? "");
  }
  headers.push("accept-encoding", "identity");
  for (const part of own) headers.push(part);
  return headers;
}

/** The name in lower case, or nothing for a header that goes no further. */
const forwardedNames = new Judgements((written) => {
  const lower = written.toLowerCase();
  return stopped.has(lower) || stoppedPrefixes.test(lower) ? "" : lower;
});

const passed: ReadonlySet<string> = new Set([
  "cache-control",
  "content-encoding",
  "content-language",
  "content-type",
  "openai-model",
  "openai-processing-ms",
  "openai-version",
  "request-id",
  "retry-after",
  "retry-after-ms",
  "server-timing",
  "x-reasoning-included",
  "x-should-retry",
]);
const passedPrefixes = ["anthropic-ratelimit-", "x-ratelimit-", "x-codex-"];

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The reply headers for the client, names and values in turn, without our own. */
export function replyHeaders(upstream: Headers): string[] {
  const headers: string[] = [];
  for (const name of Object.keys(upstream)) {
    const value = upstream[name];
    const shown = shownNames.of(name);
    if (shown !== "" && typeof value === "string") headers.push(shown, value);
  }
  return headers;
}

/** The name under which the client sees a header of a reply, or nothing for one that it does not. */
const shownNames = new Judgements((name) => {
  if (name === "x-request-id") return "x-portcullis-upstream-request-id";
  return passed.has(name) || passedPrefixes.some((prefix) => name.startsWith(prefix)) ? name : "";
});
