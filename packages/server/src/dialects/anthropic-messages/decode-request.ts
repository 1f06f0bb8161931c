import { AppError } from "../../kernel/errors.ts";
import type { Conversation, OutputFormat, SystemTurn, TextPart, Turn } from "../canonical/conversation.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import {
  invalid,
  isObject,
  optionalCount,
  optionalNumber,
  optionalObject,
  optionalText,
  present,
  textsAt,
} from "../canonical/wire.ts";
import type { AskedRequest, DecodedRequest } from "../codec.ts";
import { notCarried } from "./decode-options.ts";
import { cacheMarkOf } from "./decode-marks.ts";
import { type PartContext, textParts } from "./decode-parts.ts";
import { displayOf, reasoningOf } from "./decode-thinking.ts";
import { choiceOf, toolsOf } from "./decode-tools.ts";
import { turnsOf } from "./decode-turns.ts";

/** A request to `/v1/messages`, of either version of the API; https://docs.claude.com/en/api/messages */
export function decodeRequest(body: JsonObject, asked: AskedRequest): DecodedRequest {
  if (body["messages"] === undefined) throw new AppError("missing_field", { field: "messages" });
  refuseStates(body);
  const losses = new Losses();
  const context: PartContext = { losses, seal: asked.seal };
  const { system, turns } = placed(systemOf(body["system"], context), turnsOf(body["messages"], context));
  if (turns.length === 0) throw invalid("messages", "must hold a turn with something in it that can be carried");
  const { tools, left } = toolsOf(body["tools"], losses);
  const conversation: Conversation = {
    system,
    turns: markedLast(turns, body["cache_control"]),
    tools,
    ...choiceOf(body["tool_choice"], left, losses),
    ...present({
      maxOutputTokens: limitOf(body["max_tokens"]),
      reasoning: reasoningOf(body, losses),
      output: formatOf(body, losses),
      user: optionalText(optionalObject(body["metadata"], "metadata")?.["user_id"], "metadata.user_id"),
      speed: body["speed"] === "fast" ? ("fast" as const) : undefined,
    }),
    sampling: present({
      temperature: optionalNumber(body["temperature"], "temperature"),
      topP: optionalNumber(body["top_p"], "top_p"),
      topK: optionalCount(body["top_k"], "top_k"),
    }),
    stop: textsAt(body["stop_sequences"], "stop_sequences"),
    stream: asked.stream,
  };
  notCarried(body, losses);
  return { conversation, losses: losses.list, echo: { thinking: displayOf(body) } };
}

/** A conversation that lies at the vendor cannot be had elsewhere, and without it the request would mean something else. */
function refuseStates(body: JsonObject): void {
  if (body["thread"] === undefined || body["thread"] === null) return;
  throw invalid("thread", "names a conversation that another provider keeps; send all of it in `messages`");
}

/** None at all would only fill the vendor's cache, which is not there. */
function limitOf(value: unknown): number | undefined {
  const limit = optionalCount(value, "max_tokens");
  if (limit === 0) throw invalid("max_tokens", "must be 1 or more: this model has no cache that could be filled ahead");
  return limit;
}

function systemOf(value: unknown, context: PartContext): readonly TextPart[] {
  if (value === undefined || value === null) return [];
  return textParts(value, "system", context);
}

/** Instructions before the first turn are the conversation's, wherever they stood. */
function placed(
  system: readonly TextPart[],
  turns: readonly Turn[],
): { readonly system: readonly TextPart[]; readonly turns: readonly Turn[] } {
  const first = turns.findIndex((turn) => turn.role !== "system");
  if (first <= 0) return { system, turns: first < 0 ? [] : turns };
  const leading = turns.slice(0, first).filter((turn): turn is SystemTurn => turn.role === "system");
  return { system: [...system, ...leading.flatMap(({ parts }) => parts)], turns: turns.slice(first) };
}

/** A `cache_control` of the request is one at the end of its last turn. */
function markedLast(turns: readonly Turn[], value: unknown): readonly Turn[] {
  const cache = cacheMarkOf(value, "cache_control");
  const last = turns.at(-1);
  if (cache === undefined || last?.role !== "user") return turns;
  const part = last.parts.at(-1);
  if (part === undefined || part.type === "audio") return turns;
  return [...turns.slice(0, -1), { ...last, parts: [...last.parts.slice(0, -1), { ...part, cache }] }];
}

function formatOf(body: JsonObject, losses: Losses): OutputFormat | undefined {
  const config = optionalObject(body["output_config"], "output_config");
  const isOld = config?.["format"] === undefined || config["format"] === null;
  const path = isOld ? "output_format" : "output_config.format";
  const format = optionalObject(isOld ? body["output_format"] : config["format"], path);
  if (format === undefined) return undefined;
  if (format["type"] === "json_schema" && isObject(format["schema"])) {
    return { type: "schema", name: "answer", schema: format["schema"] };
  }
  if (format["type"] === "json_schema") throw invalid(`${path}.schema`, "must be an object");
  losses.dropped(path, "only `json_schema` is known");
  return undefined;
}
