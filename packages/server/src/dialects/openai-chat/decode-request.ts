import type { AskedRequest, DecodedRequest } from "../codec.ts";
import type { Conversation, JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { optionalFlag, optionalText, present, textsAt } from "../canonical/wire.ts";
import { field } from "../counter.ts";
import { decodeMessages } from "./decode-messages.ts";
import {
  decodeLimit,
  decodeOutput,
  decodeReasoningWish,
  decodeSampling,
  decodeSpeed,
  decodeUser,
  decodeVerbosity,
  refuseImpossible,
} from "./decode-options.ts";
import { decodeToolChoice, decodeTools } from "./decode-tools.ts";
import { decodeUnknown } from "./decode-unknown.ts";
import { type Echo, writeEcho } from "./echo.ts";

export function decodeRequest(body: JsonObject, { stream, seal }: AskedRequest): DecodedRequest {
  refuseImpossible(body);
  const losses = new Losses();
  const { system, turns } = decodeMessages(body["messages"], seal, losses);
  const reasoning = decodeReasoningWish(body, losses);
  const cacheKey = optionalText(body["prompt_cache_key"], "prompt_cache_key");
  const echo: Echo = {
    includesUsage: field(body, "stream_options", "include_usage") === true,
    callsFunction: isOldForm(body),
    hidesReasoning: reasoning?.shown === false,
  };
  const conversation: Conversation = {
    system,
    turns,
    tools: decodeTools(body, losses),
    sampling: decodeSampling(body),
    stop: textsAt(body["stop"], "stop").filter((text) => text !== ""),
    stream,
    ...present({
      toolChoice: decodeToolChoice(body),
      // the old form has no way to say two calls
      parallelTools: echo.callsFunction ? false : optionalFlag(body["parallel_tool_calls"], "parallel_tool_calls"),
      maxOutputTokens: decodeLimit(body),
      reasoning,
      output: decodeOutput(body, losses),
      verbosity: decodeVerbosity(body, losses),
      user: decodeUser(body),
      cacheKey: cacheKey === "" ? undefined : cacheKey,
      speed: decodeSpeed(body, losses),
    }),
  };
  decodeUnknown(body, losses);
  return { conversation, losses: losses.list, echo: writeEcho(echo) };
}

/** Whether the caller knows functions only, and not tools. */
function isOldForm({ functions, tools }: JsonObject): boolean {
  return Array.isArray(functions) && functions.length > 0 && (tools === undefined || tools === null);
}
