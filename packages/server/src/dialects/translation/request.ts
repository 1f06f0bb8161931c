import { AppError } from "../../kernel/errors.ts";
import { inOrder } from "../canonical/order.ts";
import { Losses, type Loss } from "../canonical/loss.ts";
import { lowerTools } from "../canonical/lower-tools.ts";
import type { Conversation, JsonObject, ThinkingPart, Tool } from "../canonical/conversation.ts";
import { createStateSeal } from "../canonical/state-seal.ts";
import type { Codec, TargetModel, ToolRules } from "../codec.ts";
import { codecById } from "../codecs.ts";
import type { DialectId } from "../dialect.ts";
import { parsedJob } from "./parsed-job.ts";
import { withRemembered } from "./remembered.ts";

/** All that a translation needs; it can be cloned to another thread. */
export interface TranslationJob {
  /** The caller's body, which was found to be a JSON object. */
  readonly body: Uint8Array;
  readonly from: DialectId;
  readonly to: DialectId;
  readonly stream: boolean;
  /** The route that was called, as the dialect's table has it. */
  readonly path: string;
  readonly target: TargetModel;
  readonly sealKey: Uint8Array;
  /** What is known of earlier calls of this caller's, whose client cannot carry it; by the call's id. */
  readonly remembered: ReadonlyMap<string, readonly ThinkingPart[]>;
  /** The items of earlier replies to this caller, as JSON, by the ids that it may refer to them by. */
  readonly items?: ReadonlyMap<string, string> | undefined;
  /** Whether only the tokens of the request are to be counted. */
  readonly count: boolean;
}

export interface TranslatedRequest {
  readonly body: Uint8Array;
  /** Behind the endpoint, query included. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly losses: readonly Loss[];
  /** What the reply is written with. */
  readonly tools: readonly Tool[];
  readonly changedTools: ReadonlyMap<string, Tool>;
  readonly echo: JsonObject;
}

/**
 * A request of one dialect as another's. Throws `invalid_request`, `missing_field` for what the dialect it came in would refuse
 * too, or what must not be left out.
 */
export function translateRequest(job: TranslationJob): TranslatedRequest {
  const { from, to, target, stream } = job;
  const body = parsedJob(job.body);
  const seal = createStateSeal(job.sealKey);
  const decoded = codecById(from).decodeRequest(body, { stream, path: job.path, seal, items: job.items });
  const losses = new Losses();
  losses.addAll(decoded.losses);
  const remembered = withRemembered({ ...decoded.conversation, stream }, job.remembered);
  const able = withoutTools(remembered, target, losses);
  const codec = codecById(to);
  const lowered = lowerTools(inOrder(able, losses), toolRules(codec, target), target.traits.callIds);
  if (lowered.conversation.turns.length === 0) {
    throw new AppError("invalid_request", { problem: "the request holds no message with anything in it" });
  }
  const isCounted = job.count && codec.count !== undefined;
  const sent = isCounted
    ? codec.count.encode(lowered.conversation, target)
    : codec.encodeRequest(lowered.conversation, target);
  losses.addAll(sent.losses);
  return {
    body: Buffer.from(JSON.stringify(sent.body)),
    path: sent.path,
    headers: sent.headers,
    losses: losses.list,
    tools: decoded.conversation.tools.map(namesOf),
    changedTools: new Map([...lowered.changed].map(([name, tool]) => [name, namesOf(tool)])),
    echo: decoded.echo,
  };
}

/** What a reply is written with; the rest, which may be large, need not come back from another thread. */
function namesOf({ kind, name, within }: Tool): Tool {
  return within === undefined ? { kind, name } : { kind, name, within };
}

/** That the dialect knows tools which take any text, does not mean that each provider of it does. */
function toolRules({ id, tools }: Codec, { rules }: TargetModel): ToolRules {
  const lacksCustom =
    id === "openai-responses" && rules !== undefined && !rules.responses.takes.includes("custom_tools");
  return lacksCustom ? { ...tools, custom: false } : tools;
}

/** A model without tools is told of none; what was called before stays in the conversation. */
function withoutTools(conversation: Conversation, { traits }: TargetModel, losses: Losses): Conversation {
  if (traits.tools || conversation.tools.length === 0) return conversation;
  losses.dropped("tools", "the model has no use of tools");
  const { toolChoice: _choice, parallelTools: _parallel, ...same } = conversation;
  return { ...same, tools: [] };
}
