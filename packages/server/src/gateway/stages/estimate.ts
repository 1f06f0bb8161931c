import { countReply } from "../../dialects/index.ts";
import type { Exchange } from "../exchange.ts";
import { ownHeaders } from "./reply-head.ts";

/** Answers a question for the tokens of a request with a count of ours, which is marked as such. */
export function sendEstimate(exchange: Exchange): void {
  const { response, dialect, estimatedCount = 0 } = exchange;
  const body = countReply(dialect.id, estimatedCount);
  const head = ["content-type", "application/json", "content-length", String(Buffer.byteLength(body))];
  response.writeHead(200, [...head, "x-portcullis-usage-source", "estimated", ...ownHeaders(exchange)]);
  response.end(body);
}
