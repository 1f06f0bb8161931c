import { AppError } from "../../kernel/errors.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import { admitModel } from "./admit.ts";
import { openCredential } from "./credential.ts";
import { headersFor, pathAt, type Prepared } from "./prepare.ts";

/**
 * A request about a reply that a provider has kept: it goes to the provider and with the credential that made the reply,
 * which no other account can see. Only the key that asked for a reply finds it again. Throws `not_found`.
 */
export async function planKept(exchange: Exchange, parts: PipelineParts): Promise<Prepared> {
  const { caller, nameInPath, dialect, request, route, query } = exchange;
  const [responseId = ""] = nameInPath.split("/"); // `{id}/input_items`
  const kept = await parts.findKeptReply(responseId, caller.keyId);
  const unknown = new AppError("not_found", { what: "response", id: responseId });
  if (kept?.provider === undefined || kept.provider === null) throw unknown;
  const model = `${kept.provider}/${kept.model ?? ""}`;
  const target = parts.routing.resolve({ model, dialect: dialect.id, thinking: () => false });
  // A provider that is gone, or speaks otherwise now, has no reply for anyone; no route leads to another one's.
  if (target.provider.id !== kept.provider || target.dialect !== dialect.id) throw unknown;
  exchange.target = target;
  admitModel(caller, target);
  const credential = await openCredential(target.provider, parts.providers.credentials, kept.credentialId ?? "");
  exchange.credential = credential;
  return {
    request: {
      provider: target.provider.name,
      origin: target.origin,
      path: target.pathPrefix + pathAt(route, nameInPath) + query,
      method: request.method === "DELETE" ? "DELETE" : "GET",
      headers: headersFor(exchange, target, credential),
      body: null,
      allowPrivate: target.provider.allowPrivate,
    },
    filter: undefined,
  };
}
