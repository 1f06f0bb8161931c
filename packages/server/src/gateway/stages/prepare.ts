import { AppError } from "../../kernel/errors.ts";
import type { Edit } from "../../kernel/json-scan.ts";
import { spliceInPlace } from "../../kernel/splice.ts";
import type { Target } from "../../routing/index.ts";
import { sentOnce, type UpstreamRequest } from "../../upstream/index.ts";
import {
  hasSealedMark,
  withoutSealed,
  type DialectId,
  type DialectRoute,
  type ReplyTranslation,
  type StreamFilter,
} from "../../dialects/index.ts";
import { authHeaders } from "../../providers/index.ts";
import type { Exchange } from "../exchange.ts";
import type { UsedCredential } from "./credential.ts";
import type { Asked, AskedJson } from "./decode.ts";
import { renamedForm } from "./form-body.ts";
import { requestHeaders } from "./head.ts";

export interface PrepareOptions {
  /** Whether token counts of streamed replies are asked for when the caller did not. */
  readonly includeStreamUsage: boolean;
}

export interface Prepared {
  readonly request: UpstreamRequest;
  /** Takes out of the reply what was put into it by our asking. */
  readonly filter: StreamFilter | undefined;
  /** Of a request that was translated, how its reply is taken back. */
  readonly translation?: ReplyTranslation;
}

/**
 * The request as the provider gets it: the caller's bytes, in which the value of `model` is replaced where the
 * provider calls it otherwise, and token counts are asked for where metering needs them; the caller's headers, and the
 * provider's key.
 */
export function prepare(
  exchange: Exchange,
  asked: Asked,
  target: Target,
  credential: UsedCredential,
  options: PrepareOptions,
): Prepared | Promise<Prepared> {
  const { route } = exchange;
  const { provider, model } = target;
  const requestWith = (body: UpstreamRequest["body"]): UpstreamRequest => ({
    provider: provider.name,
    origin: target.origin,
    path: target.pathPrefix + pathAt(route, model) + exchange.query,
    method: "POST",
    headers: headersFor(exchange, target, credential),
    body,
    allowPrivate: provider.allowPrivate,
  });
  if ("form" in asked) return { request: requestWith(renamedForm(asked, model)), filter: undefined };
  const { body, filter } = prepareJson(route, asked, target, options);
  if (!(body instanceof Promise)) return { request: requestWith(sentOnce(body)), filter };
  return body.then((large) => ({ request: requestWith(sentOnce(large)), filter }));
}

/** The caller's headers, those that the provider wants with every request unless the caller set them, and the key. */
export function headersFor(exchange: Exchange, { provider, auth }: Target, { secret }: UsedCredential): string[] {
  const fixed = Object.entries(provider.headers).filter(([name]) => exchange.request.headers[name] === undefined);
  return requestHeaders(exchange.request, [...fixed, ...Object.entries(authHeaders(auth, secret))].flat());
}

function prepareJson(
  route: DialectRoute,
  asked: AskedJson,
  { provider, model, dialect }: Target,
  { includeStreamUsage }: PrepareOptions,
): { readonly body: Buffer | Promise<Buffer>; readonly filter: StreamFilter | undefined } {
  const edits: Edit[] = [];
  if (asked.model !== model && asked.modelSpan !== undefined) {
    edits.push({ ...asked.modelSpan, replacement: Buffer.from(JSON.stringify(model)) });
  }
  edits.push(...(route.renameModel?.(asked.body, model, asked.names) ?? []));
  const asks = asked.stream && includeStreamUsage && provider.quirks.streamUsage === "on_request";
  const metering = asks ? route.askForUsage?.(asked.body, asked.fields) : undefined;
  if (metering !== undefined) edits.push(...metering.edits);
  const body = edits.length === 0 ? asked.body : spliceInPlace(asked.body, edits);
  return { body: route.topic === "conversation" ? withoutEnvelopes(body, dialect) : body, filter: metering?.filter() };
}

/** A conversation that was had with a provider of another dialect before brings what this one does not know. */
function withoutEnvelopes(body: Buffer | Promise<Buffer>, dialect: DialectId): Buffer | Promise<Buffer> {
  if (body instanceof Promise) return body.then((large) => withoutEnvelopes(large, dialect));
  return hasSealedMark(body) ? withoutSealed(body, dialect) : body;
}

/** The route's path at the provider. A name may have slashes and colons; nothing in it may lead to another place. */
export function pathAt({ upstreamPath }: DialectRoute, name: string): string {
  if (!upstreamPath.includes("{")) return upstreamPath;
  if (/(?:^|\/)\.{0,2}(?:\/|$)/.test(name)) {
    throw new AppError("invalid_request", { problem: "this name cannot stand in an address" });
  }
  const encoded = encodeURI(name).replaceAll(/[?#]/g, encodeURIComponent);
  return upstreamPath.replace(/\{\w+\}/, () => encoded);
}
