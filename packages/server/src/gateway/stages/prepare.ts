import { AppError } from "../../kernel/errors.ts";
import { splice, type Edit } from "../../kernel/json-scan.ts";
import type { Target } from "../../routing/index.ts";
import type { UpstreamRequest } from "../../upstream/index.ts";
import type { DialectRoute, StreamFilter } from "../../dialects/index.ts";
import { authHeaders } from "../../providers/index.ts";
import type { Exchange } from "../exchange.ts";
import type { UsedCredential } from "./credential.ts";
import type { Asked } from "./decode.ts";
import { requestHeaders } from "./head.ts";

export interface Prepared {
  readonly request: UpstreamRequest;
  /** Takes out of the reply what was put into it by our asking. */
  readonly filter: StreamFilter | undefined;
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
  options: { readonly includeStreamUsage: boolean },
): Prepared {
  const edits: Edit[] = [];
  const { route } = exchange;
  const { provider, model } = target;
  if (asked.model !== model) {
    if (asked.modelSpan !== undefined) {
      edits.push({ ...asked.modelSpan, replacement: Buffer.from(JSON.stringify(model)) });
    }
    edits.push(...(route.renameModel?.(asked.body, model) ?? []));
  }
  const asks = asked.stream && options.includeStreamUsage && provider.quirks.streamUsage === "on_request";
  const metering = asks ? exchange.dialect.askForUsage(asked.body, asked.fields) : undefined;
  if (metering !== undefined) edits.push(...metering.edits);
  const own = Object.entries(provider.headers).filter(([name]) => exchange.request.headers[name] === undefined);
  const auth = Object.entries(authHeaders(target.auth, credential.secret));
  return {
    request: {
      provider: provider.name,
      origin: target.origin,
      path: target.pathPrefix + pathAt(route, model) + exchange.query,
      method: "POST",
      headers: requestHeaders(exchange.request, [...own, ...auth].flat()),
      body: edits.length === 0 ? asked.body : splice(asked.body, edits),
      allowPrivate: provider.allowPrivate,
    },
    filter: metering?.filter(),
  };
}

/** A model's name may have slashes and colons; nothing in it may lead to another place. */
function pathAt({ upstreamPath }: DialectRoute, model: string): string {
  if (!upstreamPath.includes("{model}")) return upstreamPath;
  if (/(?:^|\/)\.{0,2}(?:\/|$)/.test(model)) {
    throw new AppError("invalid_request", { problem: "the model's name is not one that can stand in an address" });
  }
  const name = encodeURI(model).replaceAll(/[?#]/g, encodeURIComponent);
  return upstreamPath.replace("{model}", () => name);
}
