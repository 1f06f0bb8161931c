import { AppError } from "../../kernel/errors.ts";
import type { Conversation, JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { invalid, optionalObject, present } from "../canonical/wire.ts";
import type { AskedRequest, DecodedRequest } from "../codec.ts";
import { decodeContents, decodeSystem } from "./decode-contents.ts";
import { decodeConfig } from "./decode-options.ts";
import { decodeToolConfig, decodeTools } from "./decode-tools.ts";
import { camelNames, unknownFields } from "./field-names.ts";

/** What a reply depends on. */
export interface Echo {
  /** Whether the caller wants to read the thoughts; else they are only signed. */
  readonly includeThoughts: boolean;
}

/** A request for content, or for a count of its tokens, in which it may stand as a whole. */
export function decodeRequest(body: JsonObject, { stream, seal }: AskedRequest): DecodedRequest {
  const losses = new Losses();
  const request = countedRequest(camelNames(body));
  noteRest(request, losses);
  const { contents, tools, toolConfig, generationConfig } = request;
  if (contents === undefined || contents === null) throw new AppError("missing_field", { field: "contents" });
  const config = decodeConfig(optionalObject(generationConfig, "generationConfig") ?? {}, losses);
  const conversation: Conversation = present({
    system: decodeSystem(request["systemInstruction"], losses),
    turns: decodeContents(contents, seal, losses),
    tools: decodeTools(tools, losses),
    toolChoice: decodeToolConfig(optionalObject(toolConfig, "toolConfig"), losses),
    ...config,
    stream,
  });
  const echo: Echo = { includeThoughts: conversation.reasoning?.shown === true };
  return { conversation, losses: losses.list, echo: { ...echo } };
}

function countedRequest(body: JsonObject): JsonObject {
  const whole = optionalObject(body["generateContentRequest"], "generateContentRequest");
  return whole === undefined ? body : camelNames(whole);
}

const known = new Set([
  "model",
  "contents",
  "systemInstruction",
  "tools",
  "toolConfig",
  "generationConfig",
  "generateContentRequest",
  "cachedContent",
  "labels",
  "store",
  "serviceTier",
  "safetySettings",
]);

function noteRest(request: JsonObject, losses: Losses): void {
  const { cachedContent, labels, store, serviceTier, safetySettings } = request;
  if (cachedContent !== undefined && cachedContent !== null && cachedContent !== "") {
    throw invalid("cachedContent", "lies at Google, where this model is not; send its contents with the request");
  }
  if (labels !== undefined && labels !== null) losses.hint("labels", "only Google keeps them");
  if (store === true) losses.hint("store", "nothing is stored");
  if (serviceTier !== undefined && serviceTier !== null) losses.hint("serviceTier", "only Google has these tiers");
  if (Array.isArray(safetySettings) && safetySettings.length > 0)
    losses.dropped("safetySettings", "only Google has these filters");
  for (const name of unknownFields(request, known)) losses.dropped(name, "it is not known here");
}
