import { AppError } from "../kernel/errors.ts";
import { dialectById } from "../dialects/index.ts";
import type { Caller } from "../identity/index.ts";
import { modelsFor, type ModelListParts } from "./models/listed.ts";
import { ollamaModels } from "./models/ollama.ts";
import { sendJson } from "./plain-reply.ts";
import type { GatewayRoute, Visit } from "./routes.ts";
import { admitCaller } from "./stages/admit.ts";

/** The engine whose API this is, as of November 2026: clients ask, and refuse to work with one that is too old for them. */
const engineVersion = "0.40.0";

/** What manages an engine's models: https://docs.ollama.com/api. None of it is done through a gateway that others use too. */
const managing = [
  { method: "POST", path: "/api/blobs/{digest}" },
  { method: "HEAD", path: "/api/blobs/{digest}" },
  { method: "POST", path: "/api/copy" },
  { method: "POST", path: "/api/create" },
  { method: "DELETE", path: "/api/delete" },
  { method: "POST", path: "/api/pull" },
  { method: "POST", path: "/api/push" },
] as const;

/**
 * What is answered here of Ollama's API: which models there are, which are in memory (that is between the engines and their
 * owners: none), and which version this is. The same paths that manage an engine are refused, with or without a right to them.
 */
export function ollamaRoutes(parts: ModelListParts): readonly GatewayRoute[] {
  const dialect = dialectById("ollama");
  const tags = (visit: Visit, caller: Caller): void => {
    admitCaller(caller);
    sendJson(visit, ollamaModels.list(modelsFor(caller, parts, ollamaModels.prefersBare)));
  };
  const loaded = (visit: Visit, caller: Caller): void => {
    admitCaller(caller);
    sendJson(visit, { models: [] });
  };
  const version = (visit: Visit): void => sendJson(visit, { version: engineVersion });
  return [
    { method: "GET", path: "/api/tags", dialect, policy: "key", answer: tags },
    { method: "GET", path: "/api/ps", dialect, policy: "key", answer: loaded },
    { method: "GET", path: "/api/version", dialect, policy: "public", answer: version },
    { method: "HEAD", path: "/api/version", dialect, policy: "public", answer: version },
    ...managing.map(({ method, path }): GatewayRoute => {
      const answer = (): never => {
        throw new AppError("engine_action_refused", { action: `${method} ${path}` });
      };
      return { method, path, dialect, policy: "key", answer };
    }),
  ];
}
