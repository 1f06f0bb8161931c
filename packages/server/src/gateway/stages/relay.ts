import { AppError, asAppError, describe } from "../../kernel/errors.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type {
  Framing,
  ReplyTranslator,
  StreamFilter,
  StreamTranslator,
  UpstreamFailure,
  UsageReader,
} from "../../dialects/index.ts";
import type { UpstreamCall, UpstreamListener } from "../../upstream/index.ts";
import type { Exchange } from "../exchange.ts";
import type { OpenReply } from "../open-replies.ts";
import { upstreamError } from "../translation/failure.ts";
import { replyHeaders } from "./head.ts";
import { HeldReply } from "./held-reply.ts";
import type { Prepared } from "./prepare.ts";
import { costHeaders, framingOf, isJson, ownHeaders, retryHeaders, secondsToWait } from "./reply-head.ts";
import { sendEstimate } from "./estimate.ts";
import { failureOf, refuse } from "./refuse.ts";
import type { Ending, Settled, Settler } from "./settle.ts";
import { filtered, sendWhole } from "./whole-body.ts";

export interface RelayParts {
  readonly settler: Settler;
  readonly clock: Clock;
  readonly log: Log;
}

/** A whole reply up to this size is held until it is settled, so that its cost can stand in its head. */
const collectLimitBytes = 4 * 1024 * 1024;
/** One that is to be translated cannot go on before it is whole. */
const translateLimitBytes = 32 * 1024 * 1024;

/** What is longer holds more than words, and is not read for them. */
const mostRefusalBytes = 256 * 1024;

/** A stream that is translated may be silent while the provider sends what says nothing to the caller. */
const pingMs = 10_000;
const pingCheckMs = 1_000;

/** What a provider answers that has no place to count tokens at. */
const noCounter: ReadonlySet<number> = new Set([404, 405, 501]);

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Carries one upstream reply to the caller.
 *
 * States: *waiting* – nothing has come. *collecting* – a plain reply is gathered, to be settled and sent whole.
 * *streaming* – chunks go out as they come, one write for each, while a reader watches them for usage. *done* – the
 * exchange is settled and the reply is ended or given up.
 *
 * What leads on: the head of a reply that comes in pieces, or a plain reply past `collectLimitBytes`, starts streaming; any
 * other head starts collecting. The upstream's end, its failure, the caller's leaving and a revoked key lead to done.
 *
 * Invariants: settled exactly once, and before the last byte of the reply is handed over. A caller that reads slowly
 * pauses the upstream, so no more than one chunk waits here. A caller that leaves aborts the upstream at once.
 * After a failure the caller never sees a normal end: an error in place of the reply, or an error event behind it.
 *
 * With a translation, what is written is what it makes of each chunk, or of the whole; what is read for usage is always what
 * the provider sent.
 */
export class Relay implements UpstreamListener, OpenReply {
  readonly #exchange: Exchange;
  readonly #parts: RelayParts;
  readonly #filters: Pick<Prepared, "filter" | "documentFilter">;
  #filter: StreamFilter | undefined;
  readonly #translation: ReplyTranslator | undefined;
  readonly #finished: () => void;
  #state: "waiting" | "collecting" | "streaming" | "done" = "waiting";
  #call: UpstreamCall | undefined;
  #status = 0;
  #headers: Headers = {};
  /** How the reply comes; undefined for one that is collected, even if it turned out too large for that. */
  #framing: Framing | undefined;
  /** Whether the provider streamed what is collected here. */
  #cameStreamed = false;
  #pinger: NodeJS.Timeout | undefined;
  #wroteAt = 0;
  #reader: UsageReader | undefined;
  #mask: StreamFilter | undefined;
  readonly #held = new HeldReply();
  #receivedBytes = 0;
  #firstByteMs: number | null = null;
  #lastByte = 0;
  #beforeLast = 0;

  constructor(
    exchange: Exchange,
    parts: RelayParts,
    { filter, documentFilter, translation }: Pick<Prepared, "filter" | "documentFilter" | "translation">,
    finished: () => void,
  ) {
    this.#exchange = exchange;
    this.#parts = parts;
    this.#filters = { filter, documentFilter };
    this.#translation = translation;
    this.#finished = finished;
    exchange.response.on("close", () => this.#callerLeft());
  }

  get keyId(): string {
    return this.#exchange.caller?.keyId ?? "";
  }

  /** The call whose reply this is; given once, right after it was sent. */
  attach(call: UpstreamCall): void {
    this.#call = call;
    if (this.#state === "done") call.abort();
  }

  onHead(status: number, headers: Headers): void {
    this.#status = status;
    this.#headers = headers;
    // At a provider's own addresses a caller may ask for what this key was never meant for.
    if (this.#exchange.route.purpose !== "raw") this.#exchange.credential?.answered(status);
    if (status >= 300 && status < 400) return this.#giveUp(new AppError("upstream_redirected", this.#names()));
    if (status === 401) return this.#giveUp(new AppError("upstream_refused_key", this.#names()));
    if (!this.#chooseReader(status < 300)) {
      this.#state = "collecting";
      return;
    }
    this.#startStreaming();
    // The first event mostly comes with the head; if it does not, the caller gets the head now.
    process.nextTick(() => {
      if (this.#state === "streaming" && this.#lastByte === 0) this.#exchange.response.flushHeaders();
    });
  }

  /** Whether the reply goes on as it comes; it is collected otherwise. */
  #chooseReader(isGood: boolean): boolean {
    const { route, asked } = this.#exchange;
    const translation = this.#translation;
    const isArray = route.streams === "always" && translation === undefined;
    const framing = isGood ? framingOf(this.#headers["content-type"], isArray) : undefined;
    const { usage } = translation ?? route;
    const isEvents = framing === "sse" || framing === "ndjson";
    if (translation === undefined) {
      this.#framing = framing;
      this.#filter = framing === undefined ? this.#filters.documentFilter : this.#filters.filter;
      this.#reader = framing === undefined ? usage.body() : framing === "opaque" ? undefined : usage.stream(framing);
      return framing !== undefined;
    }
    this.#cameStreamed = isEvents;
    this.#reader = isEvents ? usage.stream(framing) : usage.body();
    if (isEvents && asked?.stream === true) this.#framing = framing;
    return this.#framing !== undefined;
  }

  onData(chunk: Buffer): void {
    this.#firstByteMs ??= this.#parts.clock.monotonic() - this.#exchange.startedMonotonic;
    this.#receivedBytes += chunk.length;
    this.#reader?.push(chunk);
    if (this.#state === "streaming") {
      if (this.#translation !== undefined) return this.#translate((stream) => stream.push(chunk));
      return this.#forward(this.#filter === undefined ? chunk : this.#filter.push(chunk));
    }
    this.#held.push(chunk);
    const isTranslated = this.#translation !== undefined && this.#status < 400;
    if (this.#receivedBytes > (isTranslated ? translateLimitBytes : collectLimitBytes)) this.#overflow();
  }

  onEnd(): void {
    if (this.#state === "streaming") return this.#endStream();
    if (this.#status >= 400) return this.#endRefusedByUpstream(this.#held.take());
    if (this.#translation !== undefined) return void this.#endTranslated(this.#translation);
    if (this.#isCutOff()) return this.#giveUp(new AppError("upstream_broke", this.#names()));
    this.#sendSettled(filtered(this.#held.take(), this.#filter), this.#upstreamHeaders());
  }

  #sendSettled(bytes: Buffer, headers: readonly string[]): void {
    const settled = this.#settle(this.#status, "ok", null);
    const body = this.#exchange.credential?.maskReply(bytes) ?? bytes;
    const head = [...headers, ...ownHeaders(this.#exchange), ...costHeaders(settled)];
    head.push("content-length", String(body.length));
    this.#exchange.response.writeHead(this.#status, head);
    sendWhole(this.#exchange.response, body);
    this.#finish();
  }

  /** A reply that was collected, in the caller's dialect and in the way the caller asked for it. */
  async #endTranslated(translation: ReplyTranslator): Promise<void> {
    const stream = this.#exchange.asked?.stream === true ? translation.stream : undefined;
    const body = await this.#wholeIn(translation, stream !== undefined);
    if (body === undefined || this.#state === "done") return; // it failed, or the caller has left meanwhile
    const type = stream?.contentType ?? translation.documentType ?? "application/json";
    this.#sendSettled(body, ["content-type", type]);
  }

  /** Undefined where it cannot be had: then the exchange is over. */
  async #wholeIn(translation: ReplyTranslator, asStream: boolean): Promise<Buffer | undefined> {
    try {
      const bytes = await this.#held.takeInTurns();
      const body = await translation.whole({ bytes, cameAsStream: this.#cameStreamed, asStream });
      if (body === undefined) this.#giveUp(this.#errorOf(translation.failure ?? unreadable));
      return body;
    } catch (thrown) {
      this.#giveUp(asAppError(thrown));
      return undefined;
    }
  }

  /** Writes what the translation makes of something, and ends the reply where that is a failure. */
  #translate(make: (stream: StreamTranslator) => string): void {
    const translation = this.#translation;
    if (translation?.stream === undefined) return;
    try {
      const text = make(translation.stream);
      if (text !== "") this.#forward(Buffer.from(text));
      if (translation.failure !== undefined) this.#giveUp(this.#errorOf(translation.failure));
    } catch (thrown) {
      this.#giveUp(asAppError(thrown));
    }
  }

  #ping(): void {
    if (this.#state !== "streaming" || this.#exchange.response.writableNeedDrain) return;
    if (this.#parts.clock.monotonic() - this.#wroteAt >= pingMs) this.#translate((stream) => stream.ping());
  }

  /** Where only the connection's end says that a reply is over, it may be over too early: then its JSON is not whole. */
  #isCutOff(): boolean {
    const { "content-length": length, "transfer-encoding": coding, "content-type": type } = this.#headers;
    const isStated = length !== undefined || coding !== undefined;
    return !isStated && isJson(type) && this.#receivedBytes > 0 && this.#reader?.end().complete === false;
  }

  onFailure(error: AppError): void {
    this.#giveUp(error);
  }

  /** Ends the exchange because the caller may no longer have it: its key was revoked. */
  cut(error: AppError): void {
    this.#giveUp(error);
  }

  /** A plain reply too large to hold: what there is goes out without a cost in its head, the rest as it comes. */
  #overflow(): void {
    if (this.#translation !== undefined) return this.#giveUp(new AppError("upstream_unreadable", this.#names()));
    this.#startStreaming();
    const held = this.#held.take();
    this.#forward(this.#filter === undefined ? held : this.#filter.push(held));
  }

  #startStreaming(): void {
    this.#state = "streaming";
    this.#mask = this.#exchange.credential?.replyMask();
    const stream = this.#translation?.stream;
    const headers =
      stream === undefined
        ? this.#upstreamHeaders()
        : ["content-type", stream.contentType, "cache-control", "no-cache"];
    this.#exchange.response.writeHead(this.#status, [...headers, ...ownHeaders(this.#exchange)]);
    if (stream === undefined) return;
    this.#wroteAt = this.#parts.clock.monotonic();
    this.#pinger = setInterval(() => this.#ping(), pingCheckMs).unref();
  }

  #forward(chunk: Buffer | undefined): void {
    if (chunk !== undefined) this.#write(this.#mask === undefined ? chunk : this.#mask.push(chunk));
  }

  #write(chunk: Buffer | undefined): void {
    if (chunk === undefined || chunk.length === 0) return;
    this.#beforeLast = chunk.length > 1 ? (chunk.at(-2) ?? 0) : this.#lastByte;
    this.#lastByte = chunk.at(-1) ?? 0;
    const { response } = this.#exchange;
    if (this.#pinger !== undefined) this.#wroteAt = this.#parts.clock.monotonic();
    if (response.write(chunk)) return;
    this.#call?.pause();
    response.once("drain", () => this.#call?.resume());
  }

  #endStream(): void {
    if (this.#translation === undefined) this.#forward(this.#filter?.end());
    else this.#translate((stream) => stream.end());
    if (this.#state !== "streaming") return; // it turned out to be a failure
    this.#write(this.#mask?.end());
    const reading = this.#reader?.end();
    // What has no meaning here has no end mark either: that the provider ended it must do.
    const isRead = reading?.complete === true && reading.failure === undefined;
    const whole = this.#reader === undefined || this.#translation !== undefined || isRead;
    if (this.#status >= 400) this.#settle(this.#status, "upstream_error", null);
    else this.#settle(this.#status, whole ? "ok" : "broken", whole ? null : "upstream_broke");
    this.#exchange.response.end();
    this.#finish();
  }

  /** The provider answered with an error. Its own words go through unchanged, unless they are not in the dialect at all. */
  #endRefusedByUpstream(body: Buffer): void {
    if (this.#exchange.route.purpose === "count" && noCounter.has(this.#status)) return this.#answerEstimate();
    if (this.#translation !== undefined) {
      try {
        return this.#endRefusal(this.#translation, body);
      } catch (thrown) {
        return this.#giveUp(asAppError(thrown));
      }
    }
    const headers = this.#upstreamHeaders();
    const own = ownHeaders(this.#exchange);
    this.#settle(this.#status, "upstream_error", null);
    const { request, response, dialect, id, credential } = this.#exchange;
    if (isJson(this.#headers["content-type"])) {
      const shown = credential === undefined ? body : credential.maskError(body);
      response.writeHead(this.#status, [...headers, ...own, "content-length", String(shown.length)]);
      response.end(shown);
    } else {
      const error = new AppError("upstream_error", { ...this.#names(), status: this.#status });
      const kept = retryHeaders(headers);
      refuse(request, response, dialect, error, id, [...kept, ...own.slice(2)], this.#status);
    }
    this.#finish();
  }

  /** The same in the caller's dialect, with what there is to say when to try again. */
  #endRefusal(translation: ReplyTranslator, body: Buffer): void {
    const failure = translation.refusal(this.#status, body.length > mostRefusalBytes ? Buffer.alloc(0) : body);
    const stated = secondsToWait(this.#headers["retry-after"], this.#parts.clock.now());
    const retryAfterSeconds = failure.retryAfterSeconds ?? stated;
    this.#giveUp(this.#errorOf({ ...failure, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }));
  }

  #answerEstimate(): void {
    this.#settle(200, "ok", null);
    sendEstimate(this.#exchange);
    this.#finish();
  }

  #errorOf(failure: UpstreamFailure): AppError {
    const { target, estimatedInput, credential } = this.#exchange;
    const mask = (text: string): string => (credential?.maskError(Buffer.from(text)) ?? text).toString();
    const names = { model: "", ...this.#names(), estimatedInput, contextTokens: this.#exchange.contextTokens };
    return upstreamError(failure, { ...names, model: target?.model ?? "" }, mask);
  }

  #giveUp(error: AppError): void {
    if (this.#state === "done") return;
    this.#call?.abort();
    const started = this.#state === "streaming";
    const { request, response, dialect, id } = this.#exchange;
    this.#parts.log[error.level](
      { requestId: id, ...this.#names(), code: error.code, error: describe(error) },
      "the reply failed",
    );
    this.#settle(started ? this.#status : error.status, started ? brokenOr(error) : outcomeOf(error), error.code);
    if (started) this.#breakOff(error);
    else refuse(request, response, dialect, error, id, ownHeaders(this.#exchange).slice(2));
    this.#finish();
  }

  /** A failure behind what was sent: said where the framing has a place for it, and never with a normal end. */
  #breakOff(error: AppError): void {
    const { response, dialect, id } = this.#exchange;
    const stream = this.#translation?.stream;
    if (stream !== undefined) {
      response.end(stream.fail(failureOf(error, id)));
      return;
    }
    const framing = this.#framing;
    const event =
      framing === undefined || framing === "opaque"
        ? undefined
        : dialect.failure.encodeEvent(failureOf(error, id), this.#reader?.end(), framing);
    if (event === undefined) {
      response.destroy();
      return;
    }
    // What was cut in half is closed as what it is, an error, and not as an event of its own.
    response.write(Buffer.concat([Buffer.from(this.#isBetween(framing) ? "" : "\n"), event]));
    response.end();
  }

  /** Whether what was sent ends where an event or a line ends. */
  #isBetween(framing: Framing | undefined): boolean {
    if (this.#lastByte === 0) return true;
    if (this.#lastByte !== 10) return false;
    return framing === "ndjson" || this.#beforeLast === 10 || this.#beforeLast === 13;
  }

  #callerLeft(): void {
    if (this.#state === "done") return;
    this.#call?.abort();
    this.#settle(this.#status === 0 ? null : this.#status, "aborted", null);
    this.#finish();
  }

  #settle(status: number | null, outcome: Ending["outcome"], errorCode: Ending["errorCode"]): Settled {
    return this.#parts.settler.end(this.#exchange, {
      status,
      outcome,
      errorCode,
      reading: this.#reader?.end(),
      firstByteMs: this.#firstByteMs,
      responseBytes: this.#receivedBytes,
    });
  }

  #upstreamHeaders(): readonly string[] {
    const headers = replyHeaders(this.#headers);
    return this.#exchange.credential?.maskHeaders(headers) ?? headers;
  }

  #finish(): void {
    this.#state = "done";
    clearInterval(this.#pinger);
    this.#finished();
  }

  #names(): { provider: string; credential: string } {
    const { target, credential } = this.#exchange;
    return { provider: target?.provider.name ?? "", credential: credential?.id ?? "" };
  }
}

const unreadable: UpstreamFailure = { kind: "broken", status: 200, message: "" };

/** An error behind the beginning of a reply is no refusal: what had come is charged. */
function brokenOr(error: AppError): Ending["outcome"] {
  const outcome = outcomeOf(error);
  return outcome === "upstream_error" ? "broken" : outcome;
}

function outcomeOf(error: AppError): Ending["outcome"] {
  if (error.code === "upstream_timeout") return "timeout";
  if (error.code === "upstream_broke") return "broken";
  if (error.code === "upstream_busy") return "refused"; // nothing was sent
  return error.status === 502 || error.code.startsWith("upstream_") ? "upstream_error" : "aborted";
}
