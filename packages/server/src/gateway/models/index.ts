import { AppError } from "../../kernel/errors.ts";
import type { Caller } from "../../identity/index.ts";
import { dialectById, type Dialect, type DialectId } from "../../dialects/index.ts";
import type { HttpRequest } from "../../ingress/index.ts";
import { sendJson } from "../plain-reply.ts";
import type { GatewayRoute, Visit } from "../routes.ts";
import { admitCaller } from "../stages/admit.ts";
import { anthropicModels } from "./anthropic.ts";
import { geminiModels } from "./gemini.ts";
import { listedAs, modelsFor, type ModelListParts } from "./listed.ts";
import { litellmModels } from "./litellm.ts";
import { openaiModels } from "./openai.ts";
import type { ModelShape } from "./shape.ts";

export type { ModelListParts } from "./listed.ts";

/** The lists of models: what this caller may use now, in the shape of the asking client. */
export function modelRoutes(parts: ModelListParts): readonly GatewayRoute[] {
  return [
    ...listRoutes("/v1/models", shapeFor, parts),
    ...listRoutes("/v1beta/models", () => geminiModels, parts),
    ...["/model/info", "/v1/model/info"].map((path) => infoRoute(path, parts)),
  ];
}

function listRoutes(
  path: string,
  shapeOf: (request: HttpRequest) => ModelShape,
  parts: ModelListParts,
): readonly GatewayRoute[] {
  const list = (visit: Visit, caller: Caller): void => answerList(visit, caller, shapeOf(visit.request), parts);
  const one = (visit: Visit, caller: Caller): void => answerOne(visit, caller, shapeOf(visit.request), parts);
  const dialect = (request: HttpRequest): Dialect => dialectById(shapeOf(request).dialect);
  return [
    { method: "GET", path, dialect, policy: "key", answer: list },
    { method: "GET", path: `${path}/{model}`, dialect, policy: "key", answer: one },
  ];
}

/** What LiteLLM's clients ask about models. */
function infoRoute(path: string, parts: ModelListParts): GatewayRoute {
  return {
    method: "GET",
    path,
    dialect: dialectById("openai-chat"),
    policy: "key",
    answer(visit, caller) {
      admitCaller(caller);
      sendJson(visit, litellmModels(modelsFor(caller, parts)));
    },
  };
}

function answerList(visit: Visit, caller: Caller, shape: ModelShape, parts: ModelListParts): void {
  admitCaller(caller);
  sendJson(visit, shape.list(modelsFor(caller, parts, shape.prefersBare)));
}

function answerOne(visit: Visit, caller: Caller, shape: ModelShape, parts: ModelListParts): void {
  admitCaller(caller);
  const [found] = listedAs(visit.name, caller, parts, shape.prefersBare);
  if (found === undefined) throw new AppError("model_not_found", { model: visit.name });
  sendJson(visit, shape.one(found));
}

/** One address serves the clients of several dialects, which a header tells apart. */
const shapes: readonly { readonly header: string; readonly shape: ModelShape }[] = [
  { header: "anthropic-version", shape: anthropicModels },
  { header: "x-goog-api-key", shape: geminiModels },
];

function shapeFor(request: HttpRequest): ModelShape {
  return shapes.find(({ header }) => request.headers[header] !== undefined)?.shape ?? openaiModels;
}

/** The dialect of a client that asked at an address that none of them has. */
export function dialectByHeaders(request: HttpRequest): DialectId {
  return shapeFor(request).dialect;
}
