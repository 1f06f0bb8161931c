import { asAppError, describe, type AppError } from "../kernel/errors.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { BodyLimits } from "../ingress/index.ts";
import type { Keys } from "../identity/index.ts";
import type { Providers } from "../providers/index.ts";
import type { Routing } from "../routing/index.ts";
import type { StreamFilter } from "../dialects/index.ts";
import type { Connector, UpstreamRequest } from "../upstream/index.ts";
import type { Exchange } from "./exchange.ts";
import type { OpenReplies } from "./open-replies.ts";
import { admitCaller, admitModel } from "./stages/admit.ts";
import { authenticate } from "./stages/authenticate.ts";
import { openCredential } from "./stages/credential.ts";
import { prepare } from "./stages/prepare.ts";
import { receive } from "./stages/receive.ts";
import { refuse } from "./stages/refuse.ts";
import { Relay, ownHeaders } from "./stages/relay.ts";
import type { Settler } from "./stages/settle.ts";

export interface PipelineParts {
  readonly keys: Keys;
  readonly routing: Routing;
  readonly providers: Providers;
  readonly connector: Connector;
  readonly settler: Settler;
  readonly clock: Clock;
  readonly log: Log;
  readonly bodyLimits: BodyLimits;
  readonly open: OpenReplies;
  /** Whether token counts of streamed chat replies are asked for when the caller did not. */
  readonly includeStreamUsage: boolean;
}

/**
 * The request path, from an authenticated head to the end of its reply. The order of the stages is a security
 * property: nothing of a body is read before the caller is known, nothing is decided by a body before it is checked, and
 * nothing is sent before it is written down.
 */
export async function serve(exchange: Exchange, parts: PipelineParts): Promise<void> {
  try {
    const { revocations } = parts.keys;
    admitCaller(exchange.caller);
    exchange.asked = await receive(exchange, parts.bodyLimits);
    exchange.target = parts.routing.resolve(exchange.asked.model, exchange.dialect.id);
    admitModel(exchange.caller, exchange.target);
    const credential = await openCredential(exchange.target.provider, parts.providers.credentials);
    exchange.credential = credential;
    // Waiting for the body took its time: the caller may have left, and its key may have been revoked.
    if (exchange.response.destroyed) return;
    if (parts.keys.revocations !== revocations) authenticate(exchange.request, parts.keys);
    const { request, filter } = prepare(exchange, exchange.asked, exchange.target, credential, parts);
    parts.settler.start(exchange);
    await relayReply(exchange, request, filter, parts);
  } catch (thrown) {
    giveBack(exchange, asAppError(thrown), parts);
  }
}

/** Sends the request and carries the reply; resolves when the exchange is settled, whatever came of it. */
function relayReply(
  exchange: Exchange,
  request: UpstreamRequest,
  filter: StreamFilter | undefined,
  parts: PipelineParts,
): Promise<void> {
  return new Promise((resolve) => {
    const relay = new Relay(exchange, parts, filter, () => {
      parts.open.remove(slot);
      resolve();
    });
    const slot = parts.open.add(relay);
    exchange.attempts += 1;
    try {
      relay.attach(parts.connector.send(request, relay));
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
