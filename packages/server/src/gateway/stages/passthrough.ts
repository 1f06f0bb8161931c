import { AppError } from "../../kernel/errors.ts";
import type { DialectRoute, UsageReader } from "../../dialects/index.ts";
import { readBody } from "../../ingress/index.ts";
import { authFor, dialectsOf } from "../../providers/index.ts";
import { sentOnce } from "../../upstream/index.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import { openCredential } from "./credential.ts";
import { headersFor, type Prepared } from "./prepare.ts";

export const passthroughMethods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** Nothing is known of what such a reply says. */
const blindReader = (): UsageReader => ({
  push: () => undefined,
  end: () => ({
    tokens: undefined,
    model: undefined,
    stopReason: undefined,
    complete: true,
    outputBytes: 0,
    failure: undefined,
    announced: undefined,
  }),
});

/**
 * A provider's own addresses: batches, files, whatever it offers beside models. Whoever may call them may do everything
 * that the provider's key may do there, so a key has to be allowed it by name.
 */
export const passthroughRoute: DialectRoute = {
  method: "POST",
  path: "/providers/{address}",
  upstreamPath: "/{address}",
  purpose: "raw",
  body: "opaque",
  streams: "if_asked",
  usage: { body: blindReader, stream: blindReader },
};

/** Where the admin plane tests a key, as clients of the secrets daemon ask it to; no provider has anything there. */
export const notPassed = /^\/providers\/[^/]+\/test$/;

/** Sends the request as it is, but for the headers that never pass and the key. Throws `not_found`, `passthrough_not_allowed`. */
export async function planPassthrough(exchange: Exchange, parts: PipelineParts): Promise<Prepared> {
  const { caller, nameInPath, request, query } = exchange;
  const slash = nameInPath.indexOf("/");
  const id = slash === -1 ? nameInPath : nameInPath.slice(0, slash);
  if (!caller.allowsPassthrough(id)) {
    throw new AppError("passthrough_not_allowed", { id: caller.keyId, provider: id });
  }
  const provider = parts.providers.require(id);
  // It has no accounts: whoever may call its other addresses changes it for everyone.
  if (provider.media.only !== undefined) throw new AppError("not_found", { what: "address of the provider", id });
  const address = addressAt(request.url ?? "", id, query);
  const [dialect = "openai-chat"] = dialectsOf(provider);
  const url = new URL(provider.baseUrl);
  const target = {
    provider,
    model: "",
    dialect,
    origin: url.origin,
    pathPrefix: url.pathname === "/" ? "" : url.pathname,
    auth: authFor(provider, dialect),
    price: undefined,
    route: null,
    tier: null,
    lossy: "deny",
  } as const;
  exchange.target = target;
  const body = await readBody(request, parts.bodyLimits);
  exchange.requestBytes = body.length;
  const credential = await openCredential(provider, parts.providers.credentials);
  exchange.credential = credential;
  return {
    request: {
      provider: provider.name,
      origin: target.origin,
      path: target.pathPrefix + address,
      method: passthroughMethods.find((method) => method === request.method) ?? "GET",
      headers: headersFor(exchange, target, credential),
      body: body.length === 0 ? null : sentOnce(body),
      allowPrivate: provider.allowPrivate,
    },
    filter: undefined,
  };
}

/** The address at the provider, byte for byte as it came. A provider's id is written as it is, and not percent-encoded. */
function addressAt(target: string, id: string, query: string): string {
  const path = target.slice(0, target.length - query.length);
  const before = `/providers/${id}`;
  const at = path.indexOf(`${before}/`);
  if (at === -1) throw new AppError("not_found", { what: "address of the provider", id });
  return path.slice(at + before.length) + query;
}
