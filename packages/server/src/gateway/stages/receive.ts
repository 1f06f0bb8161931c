import { estimateInputTokens } from "../../dialects/index.ts";
import { readBody, readForm, statedBytes, type BodyLimits, type Spools } from "../../ingress/index.ts";
import type { Exchange } from "../exchange.ts";
import { decode, decodeForm, requireJson, scanBody, watchedFields, type Asked } from "./decode.ts";

export interface ReceiveParts {
  readonly bodyLimits: BodyLimits;
  readonly spools: Spools;
}

/**
 * Reads the body, which must be of the kind that the route takes, and what routing needs of it. Throws what `readBody`,
 * `readForm`, `Spools.open`, `decode` and `decodeForm` throw.
 */
export function receive(exchange: Exchange, parts: ReceiveParts): Promise<Asked> {
  return exchange.route.body === "multipart" ? receiveForm(exchange, parts) : receiveJson(exchange, parts);
}

async function receiveJson(exchange: Exchange, { bodyLimits }: ReceiveParts): Promise<Asked> {
  requireJson(exchange.request.headers["content-type"]);
  const body = await readBody(exchange.request, bodyLimits);
  exchange.requestBytes = body.length;
  const { route } = exchange;
  const scanned = scanBody(route, body);
  const fields = scanned instanceof Promise ? await scanned : scanned;
  const asked = decode(exchange, body, fields);
  const media = route.requestedMedia?.(body, fields);
  if (media !== undefined) exchange.requestedMedia = media;
  else if (route.purpose === "inference") exchange.estimatedInput = estimateInputTokens(body);
  else if (route.purpose === "count") exchange.estimatedCount = estimateInputTokens(body);
  route.check?.(body, fields);
  return route.findNames === undefined ? asked : { ...asked, names: await route.findNames(body, fields) };
}

/** What a recording or an image counts as, its size does not tell; so files are left out of the estimate. */
async function receiveForm(exchange: Exchange, { bodyLimits, spools }: ReceiveParts): Promise<Asked> {
  const { request } = exchange;
  const spool = spools.open(Math.min(statedBytes(request), bodyLimits.limitBytes));
  exchange.spool = spool;
  const form = await readForm(request, bodyLimits, spool, watchedFields);
  exchange.requestBytes = spool.sizeBytes;
  exchange.estimatedInput = Math.ceil(form.textBytes / 4);
  return decodeForm(form, spool);
}
