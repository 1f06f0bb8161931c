import type { Keys } from "../../identity/index.ts";
import type { Exchange } from "../exchange.ts";
import { listedAs, type ModelListParts } from "../models/listed.ts";
import { ollamaModels } from "../models/ollama.ts";
import { sendJson } from "../plain-reply.ts";
import { authenticate } from "./authenticate.ts";

/**
 * Describes a model out of the catalog if none of the providers that serve it to this caller speaks the dialect. False if
 * one does, and can be asked itself, or if nobody here serves it, which routing explains.
 */
export function describeModel(
  exchange: Exchange,
  model: string,
  parts: ModelListParts & { readonly keys: Keys },
): boolean {
  const { request, dialect } = exchange;
  // The body took its time, and this is all that this caller gets: its key may have been revoked meanwhile.
  const caller = authenticate(request, parts.keys);
  const named = listedAs(model, caller, parts, ollamaModels.prefersBare);
  const [first] = named;
  if (first === undefined) return false;
  if (named.some(({ entry }) => parts.providers.get(entry.provider)?.endpoints[dialect.id] !== undefined)) return false;
  sendJson(exchange, ollamaModels.one(first));
  return true;
}
