import { anthropicFailure, type Failure, openaiFailure } from "./failure.ts";
import type { Outgoing } from "./pace.ts";
import type { IdSource } from "./vendor.ts";

/** Whose manners apply: how a caller shows its key, how a refusal looks, what the request id is called. */
export type House = "anthropic" | "openai";

type HeaderSource = (name: string) => string | undefined;

/** The caller's API key, or nothing. */
export function keyOf(house: House, header: HeaderSource): string {
  const own = house === "anthropic" ? header("x-api-key") : undefined;
  return own ?? /^Bearer (.+)$/i.exec(header("authorization") ?? "")?.[1] ?? "";
}

/** What the house says to a caller without a key, or with one that is not among `apiKeys`. */
export function keyFailure(house: House, key: string, apiKeys: ReadonlySet<string> | undefined): Failure | undefined {
  if (key !== "" && (apiKeys === undefined || apiKeys.has(key))) return undefined;
  if (house === "anthropic") {
    return { status: 401, message: key === "" ? "x-api-key header is required" : "invalid x-api-key" };
  }
  return key === ""
    ? { status: 401, message: "You did not provide an API key. Use `Authorization: Bearer YOUR_KEY`.", code: null }
    : { status: 401, message: `Incorrect API key provided: ${key.slice(0, 3)}***${key.slice(-4)}.` };
}

/** Makes one request's responses. */
export interface Desk {
  readonly house: House;
  json(body: string): Outgoing;
  stream(events: readonly string[]): Outgoing;
  refuse(failure: Failure): Outgoing;
}

export function createDesk(house: House, nextId: IdSource): Desk {
  const requestId = nextId("req_01", 22);
  const idHeader = house === "anthropic" ? { "request-id": requestId } : { "x-request-id": requestId };
  const json = (body: string, status: number): Outgoing => {
    const headers = { "content-type": "application/json", ...idHeader };
    return { status, headers, parts: [body], isStream: false };
  };
  return {
    house,
    json: (body) => json(body, 200),
    stream(events) {
      const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", ...idHeader };
      return { status: 200, headers, parts: events, isStream: true };
    },
    refuse(failure) {
      const body = house === "anthropic" ? anthropicFailure(failure, requestId) : openaiFailure(failure);
      return json(JSON.stringify(body), failure.status);
    },
  };
}
