import type { Framing, Loss } from "../../dialects/index.ts";
import { withoutKeys } from "../../kernel/key-shapes.ts";
import { formatUsdPlain } from "../../kernel/money.ts";
import type { Exchange } from "../exchange.ts";
import type { Settled } from "./settle.ts";

const mostDropped = 1_000;

/** Our own headers of every reply that a provider had a part in. The first pair is the request id. */
export function ownHeaders(exchange: Exchange): string[] {
  const headers = [
    "x-request-id",
    exchange.id,
    "x-portcullis-provider",
    exchange.target?.provider.id ?? "",
    "x-portcullis-model",
    headerSafe(withoutKeys(exchange.target?.model ?? "")),
    "x-portcullis-credential",
    exchange.credential?.id ?? "",
    "x-portcullis-attempts",
    String(exchange.attempts),
    "x-portcullis-cache",
    "off",
  ];
  const { losses } = exchange;
  if (losses !== undefined && losses.length > 0) headers.push("x-portcullis-dropped", droppedPaths(losses));
  return headers;
}

/** What translation left out or changed: where it stood, as much of it as there is room for. */
function droppedPaths(losses: readonly Loss[]): string {
  const text = headerSafe(withoutKeys(losses.map(({ path }) => path).join(", ")));
  return text.length > mostDropped ? `${text.slice(0, mostDropped)}...` : text;
}

/** Of a reply that is settled before its head goes out. */
export function costHeaders(settled: Settled): string[] {
  const { tokens, costMicros } = settled;
  const input = tokens.input + tokens.cacheRead + tokens.cacheWrite + tokens.cacheWrite1h;
  const headers = ["x-portcullis-input-tokens", String(input), "x-portcullis-output-tokens", String(tokens.output)];
  if (costMicros !== null) headers.push("x-portcullis-cost-usd", formatUsdPlain(costMicros));
  return headers;
}

const retryNames: ReadonlySet<string> = new Set(["retry-after", "retry-after-ms", "x-should-retry"]);

/** Of the reply's headers, those that say when to try again. */
export function retryHeaders(headers: readonly string[]): string[] {
  return headers.filter((_, index) => retryNames.has(headers[index - (index % 2)] ?? ""));
}

/** How long to wait, as the provider's `retry-after` says it: seconds, or a date. */
export function secondsToWait(header: string | readonly string[] | undefined, nowMs: number): number | undefined {
  if (typeof header !== "string") return undefined;
  const isNumber = /^\s*\d{1,9}(?:\.\d{1,6})?\s*$/.test(header);
  const seconds = isNumber ? Number(header) : (Date.parse(header) - nowMs) / 1000;
  return seconds > 0 ? Math.ceil(seconds) : undefined;
}

/** A model's name comes from the caller; what could not stand in a header is shown as `?`. */
function headerSafe(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : text.replaceAll(/[^\x20-\x7e]/g, "?");
}

/**
 * How a good reply comes in pieces, or undefined if it is one document, to be sent whole. `isArray` tells that a JSON document is
 * an array that comes element by element.
 */
export function framingOf(contentType: string | readonly string[] | undefined, isArray: boolean): Framing | undefined {
  if (typeof contentType !== "string") return undefined;
  if (contentType.startsWith("text/event-stream")) return "sse";
  if (isJson(contentType)) return isArray ? "json-array" : undefined;
  if (/^application\/(?:x-)?(?:ndjson|jsonl)\b/.test(contentType)) return "ndjson";
  return contentType.startsWith("text/") ? undefined : "opaque";
}

export function isJson(contentType: string | readonly string[] | undefined): boolean {
  if (contentType === "application/json") return true;
  return typeof contentType === "string" && /^application\/([\w.+-]+\+)?json\b/.test(contentType);
}
