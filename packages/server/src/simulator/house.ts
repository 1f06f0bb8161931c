import { a1111Failure } from "./a1111.ts";
import {
  anthropicFailure,
  cohereFailure,
  type Failure,
  googleFailure,
  ollamaFailure,
  openaiFailure,
} from "./failure.ts";
import type { Outgoing, Part } from "./pace.ts";
import type { IdSource } from "./vendor.ts";

/** Whose manners apply: how a caller shows its key, how a refusal looks, what the request id is called. */
export type House = "a1111" | "anthropic" | "cohere" | "google" | "ollama" | "openai" | "whisper-cpp";

/** Where a caller may show its key. */
export interface Shown {
  readonly header: (name: string) => string | undefined;
  readonly query: URLSearchParams;
}

/** The caller's API key, or nothing. */
export function keyOf(house: House, shown: Shown): string {
  return ownKey(house, shown) ?? /^Bearer (.+)$/i.exec(shown.header("authorization") ?? "")?.[1] ?? "";
}

function ownKey(house: House, { header, query }: Shown): string | undefined {
  if (house === "google") return header("x-goog-api-key") ?? query.get("key") ?? undefined;
  if (house === "a1111") return /^Basic (.+)$/.exec(header("authorization") ?? "")?.[1];
  return house === "anthropic" ? header("x-api-key") : undefined;
}

/** What the house says to a caller without a key, or with one that is not among `apiKeys`. */
export function keyFailure(house: House, key: string, apiKeys: ReadonlySet<string> | undefined): Failure | undefined {
  if (house === "whisper-cpp") return undefined; // it has no keys
  if (house === "a1111") return passwordFailure(key, apiKeys);
  if (key !== "" && (apiKeys === undefined || apiKeys.has(key))) return undefined;
  // An engine of one's own takes no key; the same one in front of a cloud wants a good one.
  if (house === "ollama") return apiKeys === undefined ? undefined : { status: 401, message: "unauthorized" };
  if (house === "anthropic") {
    return { status: 401, message: key === "" ? "x-api-key header is required" : "invalid x-api-key" };
  }
  if (house === "google") return googleKeyFailure(key);
  return key === ""
    ? { status: 401, message: "You did not provide an API key. Use `Authorization: Bearer YOUR_KEY`.", code: null }
    : { status: 401, message: `Incorrect API key provided: ${key.slice(0, 3)}***${key.slice(-4)}.` };
}

/** A name and a password in base64, where it was started with some. */
function passwordFailure(key: string, apiKeys: ReadonlySet<string> | undefined): Failure | undefined {
  if (apiKeys === undefined || apiKeys.has(Buffer.from(key, "base64").toString("utf8"))) return undefined;
  return { status: 401, message: key === "" ? "Not authenticated" : "Incorrect username or password" };
}

function googleKeyFailure(key: string): Failure {
  return key === ""
    ? {
        status: 403,
        message:
          "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
      }
    : { status: 400, message: "API key not valid. Please pass a valid API key." };
}

/** Makes one request's responses. */
export interface Desk {
  readonly house: House;
  json(body: string): Outgoing;
  /** Of server-sent events, unless it is said to be of something else. */
  stream(events: readonly string[], contentType?: string): Outgoing;
  /** Anything else; in several parts, it is sent without its length. */
  raw(contentType: string, parts: readonly Part[]): Outgoing;
  refuse(failure: Failure): Outgoing;
}

const idHeaders: Readonly<Record<House, string | undefined>> = {
  a1111: undefined,
  anthropic: "request-id",
  cohere: undefined,
  google: undefined,
  ollama: undefined,
  openai: "x-request-id",
  "whisper-cpp": undefined,
};

const streamTypes: Readonly<Record<House, string>> = {
  a1111: "text/event-stream",
  anthropic: "text/event-stream; charset=utf-8",
  cohere: "text/event-stream",
  google: "text/event-stream",
  ollama: "application/x-ndjson",
  openai: "text/event-stream; charset=utf-8",
  "whisper-cpp": "text/event-stream",
};

/** The body of a refusal; whisper.cpp's is a line of text. */
const refusals: Readonly<Record<Exclude<House, "whisper-cpp">, (failure: Failure, requestId: string) => object>> = {
  a1111: a1111Failure,
  anthropic: anthropicFailure,
  cohere: cohereFailure,
  google: googleFailure,
  ollama: ollamaFailure,
  openai: openaiFailure,
};

export function createDesk(house: House, nextId: IdSource): Desk {
  const requestId = nextId("req_01", 22);
  const idName = idHeaders[house];
  const idHeader = idName === undefined ? {} : { [idName]: requestId };
  const json = (body: string, status: number): Outgoing => {
    const headers = { "content-type": "application/json", ...idHeader };
    return { status, headers, parts: [body], isStream: false };
  };
  return {
    house,
    json: (body) => json(body, 200),
    stream(events, contentType = streamTypes[house]) {
      const headers = { "content-type": contentType, "cache-control": "no-cache", ...idHeader };
      return { status: 200, headers, parts: events, isStream: true, newline: house === "google" ? "crlf" : "lf" };
    },
    raw(contentType, parts) {
      const headers = { "content-type": contentType, ...idHeader };
      return { status: 200, headers, parts, isStream: parts.length > 1 };
    },
    refuse(failure) {
      if (house === "whisper-cpp") {
        const headers = { "content-type": "text/plain" };
        return { status: failure.status, headers, parts: [failure.message], isStream: false };
      }
      return json(JSON.stringify(refusals[house](failure, requestId)), failure.status);
    },
  };
}
