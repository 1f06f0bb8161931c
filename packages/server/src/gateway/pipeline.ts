import { asAppError, describe, type AppError } from "../kernel/errors.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { BodyLimits, HttpRequest, Spools } from "../ingress/index.ts";
import type { Keys } from "../identity/index.ts";
import { asksForThinking, canCount } from "../dialects/index.ts";
import type { KeptReply } from "../usage/index.ts";
import { targetFor, type Routing } from "../routing/index.ts";
import type { Connector } from "../upstream/index.ts";
import type { Exchange } from "./exchange.ts";
import type { ModelListParts } from "./models/index.ts";
import type { OpenReplies } from "./open-replies.ts";
import { admitCaller, admitModel } from "./stages/admit.ts";
import { authenticate } from "./stages/authenticate.ts";
import { describeModel } from "./stages/describe.ts";
import { openCredential } from "./stages/credential.ts";
import { requireOffered } from "./stages/offered.ts";
import { prepare, type Prepared } from "./stages/prepare.ts";
import { receive } from "./stages/receive.ts";
import { sendEstimate } from "./stages/estimate.ts";
import { refuse } from "./stages/refuse.ts";
import { Relay } from "./stages/relay.ts";
import { ownHeaders } from "./stages/reply-head.ts";
import type { Settler } from "./stages/settle.ts";
import { isSpoken, prepareTranslated } from "./stages/translate.ts";
import type { Translation } from "./translation/translation.ts";

export interface PipelineParts extends ModelListParts {
  readonly keys: Keys;
  readonly routing: Routing;
  readonly connector: Connector;
  readonly settler: Settler;
  readonly clock: Clock;
  readonly log: Log;
  readonly bodyLimits: BodyLimits;
  /** Where forms with files wait until they are whole. */
  readonly spools: Spools;
  readonly open: OpenReplies;
  /** Where a reply is kept that one of the caller's own requests had. */
  readonly findKeptReply: (responseId: string, keyId: string) => Promise<KeptReply | undefined>;
  /** Whether token counts of streamed chat replies are asked for when the caller did not. */
  readonly includeStreamUsage: boolean;
  readonly translation: Translation;
}

/**
 * The request path, from an authenticated head to the end of its reply. The order of the stages is a security
 * property: nothing of a body is read before the caller is known, nothing is decided by a body before it is checked, and
 * nothing is sent before it is written down.
 */
export async function serve(exchange: Exchange, parts: PipelineParts, plan: Plan = planByModel): Promise<void> {
  try {
    const { revocations } = parts.keys;
    admitCaller(exchange.caller);
    const planned = await plan(exchange, parts);
    // Waiting for the body took its time: the caller may have left, and its key may have been revoked.
    if (planned === undefined || exchange.response.destroyed) return;
    if (parts.keys.revocations !== revocations) authenticate(exchange.request, parts.keys);
    parts.settler.start(exchange);
    await relayReply(exchange, planned, parts);
  } catch (thrown) {
    giveBack(exchange, asAppError(thrown), parts);
  } finally {
    await exchange.spool?.release();
  }
}

/** Reads the request, finds where it goes, and makes what is sent there; undefined if it was answered on the way. */
export type Plan = (exchange: Exchange, parts: PipelineParts) => Promise<Prepared | undefined>;

async function planByModel(exchange: Exchange, parts: PipelineParts): Promise<Prepared | undefined> {
  exchange.route.checkQuery?.(exchange.query);
  const asked = await receive(exchange, parts);
  exchange.asked = { model: asked.model, stream: asked.stream }; // and not the body, which is done with when it was sent
  if (exchange.route.purpose === "describe" && describeModel(exchange, asked.model, parts)) return undefined;
  const provider = providerApart(exchange.request);
  const dialect = exchange.dialect.id;
  const thinking = (): boolean => "fields" in asked && asksForThinking(dialect, asked.body, asked.fields);
  const found = parts.routing.resolve({ model: asked.model, dialect, provider, thinking });
  const target = targetFor(exchange.route.topic, found);
  exchange.target = target;
  admitModel(exchange.caller, target);
  requireOffered(exchange.route.topic, target);
  const opened = openCredential(target.provider, parts.providers.credentials);
  exchange.credential = opened instanceof Promise ? await opened : opened;
  if (isSpoken(exchange, asked, target)) return prepare(exchange, asked, target, exchange.credential, parts);
  if (exchange.route.purpose === "count" && !canCount(target.dialect)) return answerEstimate(exchange, parts);
  return prepareTranslated(exchange, asked, target, exchange.credential, parts);
}

/** Nobody is asked, so nothing can fail any more; it is written down like any other answer. */
function answerEstimate(exchange: Exchange, { settler }: PipelineParts): undefined {
  settler.start(exchange);
  settler.end(exchange, { status: 200, outcome: "ok", errorCode: null, ...noReply });
  sendEstimate(exchange);
}

const noReply = { reading: undefined, firstByteMs: null, responseBytes: 0 };

/** The provider that a client written for Portkey names in a header of its own. */
function providerApart({ headers }: HttpRequest): string | undefined {
  const name = headers["x-portkey-provider"];
  return typeof name === "string" && name !== "" ? name : undefined;
}

/** Sends the request and carries the reply; resolves when the exchange is settled, whatever came of it. */
function relayReply(exchange: Exchange, prepared: Prepared, parts: PipelineParts): Promise<void> {
  return new Promise((resolve) => {
    const relay = new Relay(exchange, parts, prepared, () => {
      parts.open.remove(slot);
      resolve();
    });
    const slot = parts.open.add(relay);
    exchange.attempts += 1;
    try {
      relay.attach(parts.connector.send(prepared.request, relay));
    } catch (thrown) {
      relay.cut(asAppError(thrown));
    }
  });
}

/** The end of an exchange that never reached a provider: a row for whoever the key belongs to, and an answer. */
function giveBack(exchange: Exchange, error: AppError, parts: PipelineParts): void {
  const { request, response, dialect, id } = exchange;
  if (error.level === "error") parts.log.error({ requestId: id, code: error.code, error: describe(error) }, "refused");
  parts.settler.refuse(exchange, error);
  if (response.headersSent || response.destroyed) return;
  refuse(request, response, dialect, error, id, exchange.target === undefined ? [] : ownHeaders(exchange).slice(2));
}
