import { bytesOf } from "../../kernel/memory.ts";
import { kindOfStatus } from "../canonical/failure-words.ts";
import type { UpstreamFailure } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import { field, text } from "../counter.ts";

const mostWords = 2_000;

/**
 * Why an engine refuses. Web frameworks say it in `detail`, as a text or a list of what is wrong with each field; AUTOMATIC1111
 * has the exception's name in `error` and its text in `errors`; whisper.cpp an `error`, or a line of plain text.
 */
export function engineFailure(status: number, bytes: Uint8Array): UpstreamFailure {
  const message = wordsOf(bytes).slice(0, mostWords);
  // Only the address of an engine is called, so what it does not find is that, or what it was started without.
  const kind = status === 404 && !/model not found/i.test(message) ? "server" : kindOfStatus(status);
  return { kind, status, message };
}

function wordsOf(bytes: Uint8Array): string {
  const words = bytesOf(bytes).toString("utf8");
  let body: unknown;
  try {
    body = JSON.parse(words);
  } catch {
    return /^\s*</.test(words) ? "" : words.trim(); // a page is no reason
  }
  return isObject(body) ? wordsIn(body) : "";
}

function wordsIn(body: Readonly<Record<string, unknown>>): string {
  const { detail } = body;
  if (Array.isArray(detail)) return detail.map(fieldWords).join("; ");
  const said = text(body, "detail");
  if (said === "Not Found")
    return "there is no API at this address; AUTOMATIC1111 has one if it is started with `--api`";
  const [name, reason] = [text(body, "error"), text(body, "errors")];
  return said ?? [name, reason].filter((part) => part !== undefined).join(": ");
}

/** `{"loc":["body","width"],"msg":"value is not a valid integer"}` */
function fieldWords(detail: unknown): string {
  const place = field(detail, "loc");
  const at = Array.isArray(place) ? String(place.at(-1)) : "";
  return [at, text(detail, "msg") ?? "is not valid"].filter((part) => part !== "").join(": ");
}
