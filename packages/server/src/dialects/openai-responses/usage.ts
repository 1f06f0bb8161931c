import { readInteger, readString, readValue, scanCutObject, type Span, watchKeys } from "../../kernel/json-scan.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import { createDeltaMeter, startsWith } from "../content-bytes.ts";
import { errorType, text } from "../counter.ts";
import type { AnnouncedReply, UsageReader, UsageReading } from "../dialect.ts";
import { openaiTokens, type UsageNames } from "../openai-tokens.ts";
import { type BodyShape, createBodyReader, nothingSaid, usageInTail } from "../reply-body.ts";
import { createDataReader, scanReply, typeStart } from "../stream-data.ts";

const names: UsageNames = {
  input: "input_tokens",
  inputDetails: "input_tokens_details",
  output: "output_tokens",
  outputDetails: "output_tokens_details",
};

/** What the `usage` of a response says; undefined if it says nothing. */
export function responsesTokens(usage: unknown): TokenUsage | undefined {
  return openaiTokens(usage, names);
}

const responseKeys = watchKeys("id", "model", "status", "usage", "error", "incomplete_details");

const bodyShape: BodyShape = {
  watched: responseKeys,
  tokens: responsesTokens,
  describe(bytes, response) {
    const status = readString(bytes, response.get("status"));
    const incomplete = text(readValue(bytes, response.get("incomplete_details")), "reason");
    return {
      responseId: readString(bytes, response.get("id")),
      model: readString(bytes, response.get("model")),
      stopReason: incomplete ?? status,
      failure:
        errorType(readValue(bytes, response.get("error")), "code", "type") ??
        (status === "failed" ? status : undefined),
    };
  },
};

export function createReplyReader(): UsageReader {
  return createBodyReader(bodyShape);
}

const created = Buffer.from('response.created"');
const completed = Buffer.from('response.completed"');
const incomplete = Buffer.from('response.incomplete"');
const failed = Buffer.from('response.failed"');
const errorEvent = Buffer.from('error"');
const responsePrefix = Buffer.from("response.");
const deltaSuffix = Buffer.from('.delta"');
const quote = 0x22;

const eventKeys = watchKeys("response", "error", "code");
const announcedKeys = watchKeys("id", "created_at", "model");
const sequenceKeys = watchKeys("sequence_number");
const responseKey = Buffer.from('"response":');
/** How far into the first event its reply's id is looked for: it repeats the request, which may be long. */
const announcementBytes = 4096;

/**
 * Watches a stream. Of deltas only the length of the text is taken; of the last event (`response.completed`,
 * `.incomplete` or `.failed`), which repeats the whole reply, the usage; of the first, `response.created`, the id.
 */
export function createStreamReader(): UsageReader {
  const measure = createDeltaMeter();
  let said: Pick<UsageReading, "tokens" | "model" | "stopReason" | "failure" | "responseId"> = {
    ...nothingSaid,
    tokens: undefined,
  };
  let announced: AnnouncedReply | undefined;
  let complete = false;
  let outputBytes = 0;
  let events = 0;

  function readLast(bytes: Buffer, start: number, end: number): void {
    const event = scanReply(bytes, eventKeys, { start, end });
    const span = event?.get("response");
    const response = span === undefined ? undefined : scanReply(bytes, responseKeys, span);
    if (response === undefined) return;
    complete = true;
    said = { tokens: responsesTokens(readValue(bytes, response.get("usage"))), ...bodyShape.describe(bytes, response) };
  }

  const lines = createDataReader((bytes, start, end, cut) => {
    events++;
    if (cut) {
      // Too large to hold: of all events, only the last one states a usage.
      const stated = responsesTokens(usageInTail(bytes));
      if (stated !== undefined) said = { ...nothingSaid, tokens: stated };
      complete = stated !== undefined;
      return;
    }
    const type = typeStart(bytes, start, end);
    if (type < 0) return;
    if (isDelta(bytes, type)) outputBytes += measure(bytes, start, end);
    else if (startsWith(bytes, type, created)) announced = readAnnouncement(bytes, start, end);
    else if (isLast(bytes, type)) readLast(bytes, start, end);
    else if (startsWith(bytes, type, errorEvent)) said = { ...said, failure: readError(bytes, { start, end }) };
  });

  return {
    push: (chunk) => lines.push(chunk),
    end() {
      lines.end();
      const reply = announced && { ...announced, nextSequence: announced.nextSequence + events };
      return { ...said, responseId: said.responseId ?? reply?.id, complete, outputBytes, announced: reply };
    },
  };
}

function isDelta(bytes: Buffer, type: number): boolean {
  if (!startsWith(bytes, type, responsePrefix)) return false;
  let close = type + responsePrefix.length;
  while (close < bytes.length && bytes[close] !== quote) close++;
  return startsWith(bytes, close + 1 - deltaSuffix.length, deltaSuffix);
}

function isLast(bytes: Buffer, type: number): boolean {
  return startsWith(bytes, type, completed) || startsWith(bytes, type, incomplete) || startsWith(bytes, type, failed);
}

/** An `error` event holds the error, or (older) is it. */
function readError(bytes: Buffer, span: Span): string {
  const event = scanReply(bytes, eventKeys, span);
  const nested = errorType(readValue(bytes, event?.get("error")), "code", "type");
  return nested ?? readString(bytes, event?.get("code")) ?? "error";
}

/** `nextSequence` is here the number that the very first event would have had. */
function readAnnouncement(bytes: Buffer, start: number, end: number): AnnouncedReply | undefined {
  const head = bytes.subarray(start, Math.min(end, start + announcementBytes));
  const key = head.indexOf(responseKey);
  if (key < 0) return undefined;
  const response = scanCutObject(head, announcedKeys, { start: key + responseKey.length, end: head.length });
  const id = readString(head, response.get("id"));
  if (id === undefined) return undefined;
  const event = scanCutObject(head, sequenceKeys, { start: 0, end: head.length });
  return {
    id,
    createdAt: readInteger(head, response.get("created_at")) ?? 0,
    model: readString(head, response.get("model")),
    nextSequence: readInteger(head, event.get("sequence_number")) ?? 0,
  };
}
