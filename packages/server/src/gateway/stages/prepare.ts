import type { Edit } from "../../kernel/json-scan.ts";
import { bytesOf } from "../../kernel/memory.ts";
import { spliceInPlace } from "../../kernel/splice.ts";
import type { Target } from "../../routing/index.ts";
import { sentOnce, type UpstreamRequest } from "../../upstream/index.ts";
import {
  hasSealedMark,
  nameInAddress,
  type DialectId,
  type DialectRoute,
  type ReplyTranslator,
  type StreamFilter,
} from "../../dialects/index.ts";
import type { Exchange } from "../exchange.ts";
import type { Translation } from "../translation/translation.ts";
import type { UsedCredential } from "./credential.ts";
import type { Asked, AskedJson } from "./decode.ts";
import { renamedForm } from "./form-body.ts";
import { requestHeaders } from "./head.ts";

export interface PrepareOptions {
  /** Whether token counts of streamed replies are asked for when the caller did not. */
  readonly includeStreamUsage: boolean;
  readonly translation: Pick<Translation, "translator">;
}

export interface Prepared {
  readonly request: UpstreamRequest;
  /** Takes out of the reply what was put into it by our asking. */
  readonly filter: StreamFilter | undefined;
  /** Makes a reply that is one document be as it was asked for. */
  readonly documentFilter?: StreamFilter | undefined;
  /** Of a request that was translated, how its reply is taken back. */
  readonly translation?: ReplyTranslator;
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
  if ("form" in asked) {
    const body = renamedForm(asked, target.model);
    return { request: requestWith(body, exchange, target, credential), filter: undefined };
  }
  const documentFilter = route.documentFilter?.(asked.body, asked.fields);
  const { body, filter } = prepareJson(route, asked, target, options);
  const prepared = (whole: Buffer): Prepared => {
    return { request: requestWith(sentOnce(whole), exchange, target, credential), filter, documentFilter };
  };
  return body instanceof Promise ? body.then(prepared) : prepared(body);
}

function requestWith(
  body: UpstreamRequest["body"],
  exchange: Exchange,
  target: Target,
  credential: UsedCredential,
): UpstreamRequest {
  const { provider, origin, pathPrefix, model } = target;
  return {
    provider: provider.name,
    origin,
    path: pathPrefix + pathAt(exchange.route, model) + exchange.query,
    method: "POST",
    headers: headersFor(exchange, target, credential),
    body,
    allowPrivate: provider.allowPrivate,
  };
}

/** The caller's headers, those that the provider wants with every request unless the caller set them, and the key. */
export function headersFor(exchange: Exchange, { provider, auth }: Target, credential: UsedCredential): string[] {
  const { request } = exchange;
  const own: string[] = [];
  for (const name of Object.keys(provider.headers)) {
    if (request.headers[name] === undefined) own.push(name, provider.headers[name] ?? "");
  }
  own.push(...credential.headers(auth));
  return requestHeaders(request, own);
}

function prepareJson(
  route: DialectRoute,
  asked: AskedJson,
  { provider, model, dialect }: Target,
  { includeStreamUsage, translation }: PrepareOptions,
): { readonly body: Buffer | Promise<Buffer>; readonly filter: StreamFilter | undefined } {
  const edits: Edit[] = [];
  if (asked.model !== model && asked.modelSpan !== undefined) {
    const { start, end } = asked.modelSpan;
    edits.push({ start, end, replacement: Buffer.from(JSON.stringify(model)) });
  }
  if (route.renameModel !== undefined) edits.push(...route.renameModel(asked.body, model, asked.names));
  const asks = asked.stream && includeStreamUsage && provider.quirks.streamUsage === "on_request";
  const metering = asks ? route.askForUsage?.(asked.body, asked.fields) : undefined;
  if (metering !== undefined) edits.push(...metering.edits);
  const body = edits.length === 0 ? asked.body : spliceInPlace(asked.body, edits);
  return {
    body: route.topic === "conversation" ? withoutEnvelopes(body, dialect, translation) : body,
    filter: metering?.filter(),
  };
}

/** A conversation that was had with a provider of another dialect before brings what this one does not know. */
function withoutEnvelopes(
  body: Buffer | Promise<Buffer>,
  dialect: DialectId,
  translation: PrepareOptions["translation"],
): Buffer | Promise<Buffer> {
  if (body instanceof Promise) return body.then((large) => withoutEnvelopes(large, dialect, translation));
  const isSealed = hasSealedMark(body);
  if (isSealed instanceof Promise) return isSealed.then((is) => (is ? unsealed(body, dialect, translation) : body));
  return isSealed ? unsealed(body, dialect, translation) : body;
}

function unsealed(
  body: Buffer,
  dialect: DialectId,
  translation: PrepareOptions["translation"],
): Buffer | Promise<Buffer> {
  const found = translation.translator.request("unsealed", { body, dialect });
  return found instanceof Promise ? found.then((made) => bytesOf(made.body)) : bytesOf(found.body);
}

/** The route's path at the provider. Throws what `nameInAddress` throws. */
export function pathAt({ upstreamPath }: DialectRoute, name: string): string {
  if (!upstreamPath.includes("{")) return upstreamPath;
  const encoded = nameInAddress(name);
  return upstreamPath.replace(/\{\w+\}/, () => encoded);
}
