import type { RequestsTable } from "../db/index.ts";
import { withoutKeys } from "../kernel/key-shapes.ts";
import type { MediaUsage, TokenUsage, UsageSource } from "../kernel/tokens.ts";
import type { mediaColumns } from "./line.ts";

/**
 * How a request ended.
 *
 * `ok`: the caller got the whole reply. `upstream_error`: the provider answered with an error. `refused`: we answered
 * with an error of our own. `aborted`: the caller left. `timeout`: the provider took too long. `broken`: the provider
 * broke off its reply. `interrupted`: this process ended before the request did; only recovery says so.
 */
export type Outcome = "ok" | "upstream_error" | "refused" | "aborted" | "timeout" | "broken" | "interrupted";

/** What is known before anything is sent upstream. Names and counts only: no prompt, no header, no address, no secret. */
export interface StartRecord {
  /** Unique for all time; rows are matched by it. */
  readonly requestId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly startedAt: number;
  readonly keyId: string | null;
  readonly userName: string | null;
  readonly team: string | null;
  readonly service: string | null;
  readonly sessionId: string | null;
  readonly agentId: string | null;
  readonly route: string;
  readonly dialect: string;
  /** The first target of the plan; the end says which one served. */
  readonly provider: string | null;
  readonly credentialId: string | null;
  readonly requestedModel: string | null;
  readonly model: string | null;
  readonly stream: boolean;
  readonly requestBytes: number;
  /** Input tokens to charge should this process end before the request does: a floor, about four characters a token. */
  readonly estimatedInput: number;
  /** The price of those tokens, or null where the model's price is not known. */
  readonly floorCostMicros: number | null;
}

/** What is known when the request is over. Together with its start it makes the whole row. */
export interface EndRecord {
  readonly requestId: string;
  readonly endedAt: number;
  readonly provider: string | null;
  readonly credentialId: string | null;
  readonly model: string | null;
  /** The HTTP status the caller was answered with; null if none was sent. */
  readonly status: number | null;
  readonly outcome: Exclude<Outcome, "interrupted">;
  readonly errorCode: string | null;
  readonly usageSource: UsageSource;
  readonly tokens: TokenUsage;
  /** Null where the price is not known: never zero instead. */
  readonly costMicros: number | null;
  readonly latencyMs: number | null;
  readonly firstByteMs: number | null;
  readonly responseBytes: number;
  /** How often a provider was asked. */
  readonly attempts: number;
  /** What the provider keeps the reply under, where it can be asked for again. */
  readonly responseId: string | null;
  /** What the provider was asked in; null if none was, or if that is not known. */
  readonly upstreamDialect: string | null;
  /** What translation left out or changed, as `describeLosses` says it. */
  readonly dropped: string | null;
}

type MediaColumn = (typeof mediaColumns)[number];

/** A row to be written. The columns of `MediaUsage` are there all together, or not at all where there was only text. */
export type RequestRecord = Omit<RequestsTable, MediaColumn> & Partial<Pick<RequestsTable, MediaColumn>>;

/** A text is cut so that it takes at most this many bytes in a journal line. */
const maxTextBytes = 200;
/** OpenAI's take 55 bytes. */
const maxResponseIdBytes = 100;
/** The longest there is takes 18. */
const maxDialectBytes = 40;

/**
 * By how much an end's line may be longer than its start's: four texts (provider, credential, model, error code), the id
 * of the reply and that of a dialect with quotes and commas, two short words, fourteen numbers of up to 25 characters,
 * eight whole ones. What was dropped is not counted: in nearly every line it fits in with what the others leave, and a
 * line in which it does not may do without it (see `Journal.end`).
 */
export const endSlackBytes =
  4 * (maxTextBytes + 3) + (maxResponseIdBytes + 3) + (maxDialectBytes + 3) + 40 + 14 * 25 + 8 * 17;

const plainText = /^[ !#-[\]-~]*$/;

/** No control characters and no lone surrogates (PostgreSQL refuses some of both, and lines must stay short). */
function fit(text: string): string {
  if (text.length <= maxTextBytes && plainText.test(text)) return text;
  const clean = text
    .slice(0, maxTextBytes)
    .replaceAll(/\p{Cc}/gu, "\ufffd")
    .toWellFormed();
  if (Buffer.byteLength(JSON.stringify(clean)) <= maxTextBytes + 2) return clean;
  return clean.slice(0, Math.floor(maxTextBytes / 3)).toWellFormed(); // three bytes a code unit at the most
}

function fitOrNull(text: string | null): string | null {
  return text === null ? null : fit(text);
}

/** A text that the caller chose. A key put in its place (a model named `sk-…`) is not written down. */
function chosenOrNull(text: string | null): string | null {
  return text === null ? null : fit(withoutKeys(text));
}

/** An id is of no use if it is not whole: one that is too long or cannot be written down is left out. */
function idOrNull(text: string | null, maxBytes: number): string | null {
  if (text === null || text.length > maxBytes || !plainText.test(text)) return null;
  return withoutKeys(text) === text ? text : null;
}

function roundOrNull(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}

/**
 * The row of a request that has started: what is written should nothing more be heard of it. It was about to be sent
 * at least once, so one attempt and the floor of its input are charged.
 */
export function interruptedRow(start: StartRecord): RequestRecord {
  return {
    request_id: fit(start.requestId),
    started_at: start.startedAt,
    ended_at: null,
    key_id: fitOrNull(start.keyId),
    user_name: fitOrNull(start.userName),
    team: fitOrNull(start.team),
    service: fitOrNull(start.service),
    session_id: chosenOrNull(start.sessionId),
    agent_id: chosenOrNull(start.agentId),
    route: fit(start.route),
    dialect: fit(start.dialect),
    provider: fitOrNull(start.provider),
    credential_id: fitOrNull(start.credentialId),
    requested_model: chosenOrNull(start.requestedModel),
    model: chosenOrNull(start.model),
    stream: start.stream ? 1 : 0,
    status: null,
    outcome: "interrupted" satisfies Outcome,
    error_code: null,
    usage_source: "estimated" satisfies UsageSource,
    input_tokens: start.estimatedInput,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    reasoning_tokens: 0,
    cost_micros: start.floorCostMicros,
    latency_ms: null,
    first_byte_ms: null,
    request_bytes: start.requestBytes,
    response_bytes: 0,
    attempts: 1,
    response_id: null,
    upstream_dialect: null,
    dropped: null,
  };
}

/** The row of a request that is over, from the row it started with. */
export function finalRow(started: RequestRecord, end: EndRecord): RequestRecord {
  const row = finalTextRow(started, end);
  return end.tokens.media === undefined ? row : { ...row, ...mediaOf(end.tokens.media) };
}

function finalTextRow(started: RequestRecord, end: EndRecord): RequestRecord {
  return {
    request_id: started.request_id,
    started_at: started.started_at,
    ended_at: end.endedAt,
    key_id: started.key_id,
    user_name: started.user_name,
    team: started.team,
    service: started.service,
    session_id: started.session_id,
    agent_id: started.agent_id,
    route: started.route,
    dialect: started.dialect,
    provider: fitOrNull(end.provider),
    credential_id: fitOrNull(end.credentialId),
    requested_model: started.requested_model,
    model: chosenOrNull(end.model),
    stream: started.stream,
    status: end.status,
    outcome: end.outcome,
    error_code: fitOrNull(end.errorCode),
    usage_source: end.usageSource,
    input_tokens: end.tokens.input,
    output_tokens: end.tokens.output,
    cache_read_tokens: end.tokens.cacheRead,
    cache_write_tokens: end.tokens.cacheWrite,
    cache_write_1h_tokens: end.tokens.cacheWrite1h,
    reasoning_tokens: end.tokens.reasoning,
    cost_micros: end.costMicros,
    latency_ms: roundOrNull(end.latencyMs),
    first_byte_ms: roundOrNull(end.firstByteMs),
    request_bytes: started.request_bytes,
    response_bytes: end.responseBytes,
    attempts: end.attempts,
    response_id: idOrNull(end.responseId, maxResponseIdBytes),
    upstream_dialect: idOrNull(end.upstreamDialect, maxDialectBytes),
    dropped: end.dropped,
  };
}

function mediaOf(media: MediaUsage): Pick<RequestsTable, MediaColumn> {
  return {
    input_audio_tokens: media.inputAudio,
    output_audio_tokens: media.outputAudio,
    input_image_tokens: media.inputImage,
    output_image_tokens: media.outputImage,
    images: media.images,
    characters: media.characters,
    audio_ms: media.audioMs,
    searches: media.searches,
  };
}
