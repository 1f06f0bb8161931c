import { isoTime } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import type { AssistantPart, JsonObject, ToolCallPart } from "../canonical/conversation.ts";
import { isCut, withoutCutCall } from "../canonical/cut-call.ts";
import type { Finish, Reply } from "../canonical/reply.ts";
import { argumentsObject } from "../canonical/wire.ts";
import type { ReplyContext } from "../codec.ts";

/** @throws AppError `upstream_broke` if the arguments of a call are none: as an empty object they would be run */
export function encodeReply(reply: Reply, context: ReplyContext): JsonObject {
  const { finish, usage } = reply;
  const parts = withoutCutCall(reply);
  const calls = parts.filter((part) => part.type === "tool_call").map(encodeCall);
  const thinking = joined(parts, "thinking");
  const spoken = joined(parts, "text") + joined(parts, "refusal");
  const said = spoken === "" && calls.length === 0 ? refusalText(finish) : spoken;
  const generate = isGenerate(context);
  const message = {
    ...(generate ? { response: said } : { role: "assistant", content: said }),
    ...(thinking !== "" && { thinking }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return { ...headOf(context), ...(generate ? message : { message }), ...endOf(finish, usage, generate) };
}

function joined(parts: readonly AssistantPart[], type: "text" | "thinking" | "refusal"): string {
  return parts.map((part) => (part.type === type ? part.text : "")).join("");
}

export function isGenerate({ echo }: ReplyContext): boolean {
  return echo["generate"] === true;
}

export function headOf({ model, createdAt }: ReplyContext): JsonObject {
  return { model, created_at: isoTime(createdAt * 1000) };
}

function encodeCall(call: ToolCallPart, index: number): JsonObject {
  const object = argumentsObject(call.arguments);
  if (object === undefined) throw brokenCall();
  return { id: call.id, function: { index, name: call.name, arguments: object } };
}

/** Of a call whose arguments are no JSON object: it was cut, or never was a call. */
export function brokenCall(): AppError {
  return new AppError("upstream_broke", { provider: "the provider" });
}

/** The dialect knows no refusals: without a word, one would look like an answer that is empty. */
export function refusalText({ reason, detail }: Finish): string {
  return reason === "refusal" ? (detail ?? "The request was refused.") : "";
}

/** The end of the last document. Clients want the times to be numbers; how long another engine took is not known. */
export function endOf(finish: Finish, usage: TokenUsage | undefined, generate: boolean): JsonObject {
  return {
    done: true,
    done_reason: isCut(finish) ? "length" : "stop",
    ...(generate && { context: [] }),
    total_duration: 0,
    load_duration: 0,
    ...(usage !== undefined && {
      prompt_eval_count: usage.input + usage.cacheRead + usage.cacheWrite + usage.cacheWrite1h,
      prompt_eval_duration: 0,
      eval_count: usage.output,
      eval_duration: 0,
    }),
  };
}
