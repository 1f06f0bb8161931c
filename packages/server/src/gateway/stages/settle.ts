import { costOf } from "../../catalog/index.ts";
import type { UsageReading } from "../../dialects/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import type { ErrorCode } from "@portcullis/contract";
import { noTokens, type TokenUsage, type UsageSource } from "../../kernel/tokens.ts";
import { describeLosses, type EndRecord, type StartRecord, type Usage } from "../../usage/index.ts";
import type { Exchange } from "../exchange.ts";

/** How an exchange ended, as the stage that ended it knows it. */
export interface Ending {
  readonly status: number | null;
  readonly outcome: EndRecord["outcome"];
  readonly errorCode: ErrorCode | null;
  /** What the reply said of its usage; `undefined` if no reply came. */
  readonly reading: UsageReading | undefined;
  readonly firstByteMs: number | null;
  readonly responseBytes: number;
}

export interface Settled {
  readonly tokens: TokenUsage;
  readonly source: UsageSource;
  readonly costMicros: number | null;
}

export interface Settler {
  /** Writes down that the exchange is about to be sent upstream. Throws `journal_unavailable`; then it must not be sent. */
  start(exchange: Exchange): void;
  /** Writes down how it ended. Called once, before the last byte of the reply is handed over. */
  end(exchange: Exchange, ending: Ending): Settled;
  /** Writes down that we answered with an error of our own, if it can be written. */
  refuse(exchange: Exchange, error: AppError): void;
}

/** Four bytes a token is what English text comes to: a floor for what nobody counted. */
const bytesPerToken = 4;

/** `trace` is told of every exchange that ended: names, counts and times, nothing of its content. */
export function createSettler(usage: Usage, clock: Clock, trace?: (end: EndRecord) => void): Settler {
  function start(exchange: Exchange): void {
    exchange.journalled = usage.start(startRecord(exchange));
  }

  /** Nothing was sent for it, so it may be answered without being recorded: a full journal must not keep the answer back. */
  function startIfPossible(exchange: Exchange): boolean {
    try {
      start(exchange);
      return true;
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.status === 503) return false;
      throw thrown;
    }
  }

  return {
    start,
    refuse(exchange, error) {
      if (error.code === "journal_unavailable") return; // nowhere to put it down
      if (exchange.journalled === undefined && !startIfPossible(exchange)) return;
      const nothing = { reading: undefined, firstByteMs: null, responseBytes: 0 };
      this.end(exchange, { status: error.status, outcome: "refused", errorCode: error.code, ...nothing });
    },
    end(exchange, ending) {
      const { journalled } = exchange;
      if (journalled === undefined) throw new AppError("internal", {}, { detail: `${exchange.id} was not started` });
      const settled = settle(exchange, ending);
      const record: EndRecord = {
        requestId: exchange.id,
        endedAt: clock.now(),
        provider: exchange.target?.provider.id ?? null,
        credentialId: exchange.credential?.id ?? null,
        model: exchange.target?.model ?? null,
        status: ending.status,
        outcome: ending.outcome,
        errorCode: ending.errorCode,
        usageSource: settled.source,
        tokens: settled.tokens,
        costMicros: settled.costMicros,
        latencyMs: clock.monotonic() - exchange.startedMonotonic,
        firstByteMs: ending.firstByteMs,
        responseBytes: ending.responseBytes,
        attempts: exchange.attempts,
        responseId: ending.reading?.responseId ?? null,
        upstreamDialect: askedIn(exchange),
        dropped: describeLosses(exchange.losses),
      };
      usage.end(journalled, record);
      trace?.(record);
      return settled;
    },
  };
}

/**
 * What the exchange is charged. Counts the provider stated for a whole reply are taken as they are. A reply that was cut
 * short, or that stated none, is charged a floor: what was sent and what had come back, at four bytes a token. What
 * never reached a provider, or what it refused, costs nothing; neither does a count of tokens or the description of a model.
 */
function settle(exchange: Exchange, ending: Ending): Settled {
  const { reading, outcome } = ending;
  const free = exchange.attempts === 0 || outcome === "refused" || outcome === "upstream_error";
  if (exchange.route.purpose === "raw" && !free) return { tokens: noTokens, source: "unknown", costMicros: null };
  if (free || exchange.route.purpose !== "inference") return { tokens: noTokens, source: "reported", costMicros: 0 };
  const stated = reading?.complete === true ? reading.tokens : undefined;
  const tokens = stated ?? floorOf(exchange, reading);
  if (stated === undefined) return { tokens, source: "estimated", costMicros: floorCost(exchange, tokens) };
  return { tokens, source: "reported", costMicros: costOf(tokens, exchange.target?.price)?.micros ?? null };
}

/** What goes to a provider's own address may be in any of its dialects, or in none. */
function askedIn({ route, attempts, target }: Exchange): string | null {
  return attempts === 0 || route.purpose === "raw" ? null : (target?.dialect ?? null);
}

/** Of what is not sold by tokens, a floor of tokens does not tell the cost. */
function floorCost({ target }: Exchange, tokens: TokenUsage): number | null {
  const price = target?.price;
  const isSoldByUnits = price?.units !== undefined && price.input === 0 && price.output === 0;
  if (isSoldByUnits && tokens.media === undefined) return null;
  return costOf(tokens, price)?.micros ?? null;
}

function floorOf(exchange: Exchange, reading: UsageReading | undefined): TokenUsage {
  const stated = reading?.tokens;
  if (stated === undefined && exchange.requestedMedia !== undefined)
    return { ...noTokens, media: exchange.requestedMedia };
  const least = stated ?? { ...noTokens, input: exchange.estimatedInput };
  const output = Math.ceil((reading?.outputBytes ?? 0) / bytesPerToken);
  return output > least.output ? { ...least, output } : least;
}

/** Session and sub-agent are as Claude Code and Codex name them. */
function startRecord(exchange: Exchange): StartRecord {
  const { asked, caller, target, estimatedInput } = exchange;
  const { headers } = exchange.request;
  return {
    requestId: exchange.id,
    startedAt: exchange.startedAt,
    keyId: caller.keyId,
    userName: caller.user,
    team: caller.team,
    service: caller.service,
    sessionId: headerText(headers["x-claude-code-session-id"] ?? headers["session-id"] ?? headers["x-session-id"]),
    agentId: headerText(headers["x-claude-code-agent-id"]),
    route: exchange.route.path,
    dialect: exchange.dialect.id,
    provider: target?.provider.id ?? null,
    credentialId: exchange.credential?.id ?? null,
    requestedModel: asked?.model ?? null,
    model: target?.model ?? null,
    stream: asked?.stream ?? false,
    requestBytes: exchange.requestBytes,
    estimatedInput,
    floorCostMicros: floorCost(exchange, floorOf(exchange, undefined)),
  };
}

function headerText(value: string | string[] | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
