import type {
  AssistantPart,
  AssistantTurn,
  Conversation,
  JsonObject,
  SystemTurn,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  UserTurn,
} from "../canonical/conversation.ts";
import type { TargetModel } from "../codec.ts";
import type { Losses } from "../canonical/loss.ts";
import { isStateOf } from "../canonical/state-seal.ts";
import { isObject, present } from "../canonical/wire.ts";
import { contentOf, encodePart, encodeResult, textPart } from "./encode-parts.ts";

/** The turns as messages. What a user says in several messages in a row is put into one, which strict templates want. */
export function encodeMessages(
  { system, turns }: Conversation,
  target: TargetModel,
  losses: Losses,
): readonly JsonObject[] {
  const writer = new MessageWriter(target, losses);
  if (system.length > 0) writer.lead(system);
  for (const [index, turn] of turns.entries()) {
    const path = `turns[${index}]`;
    if (turn.role === "system") writer.system(turn);
    else if (turn.role === "user") writer.user(turn, path);
    else writer.assistant(turn, path);
  }
  if (turns.at(-1)?.role === "assistant") writer.goOn();
  return writer.end();
}

class MessageWriter {
  readonly #messages: JsonObject[] = [];
  readonly #target: TargetModel;
  readonly #losses: Losses;
  /** The parts of the user's message that is being written. */
  #said: JsonObject[] = [];

  constructor(target: TargetModel, losses: Losses) {
    this.#target = target;
    this.#losses = losses;
  }

  lead(system: readonly TextPart[]): void {
    const writing = { traits: this.#target.traits, losses: this.#losses, path: "system" };
    this.#push({ role: "system", content: contentOf(system.map((part) => encodePart(part, writing))) });
  }

  system({ parts }: SystemTurn): void {
    const text = parts.map((part) => part.text).join("\n\n");
    if (this.#target.traits.systemTurns) return this.#push({ role: "system", content: text });
    this.#losses.changed(
      "system",
      "the model takes instructions only at the beginning; later ones are told as the user's words",
    );
    this.#said.push(textPart(`[System instruction]\n${text}`));
  }

  user({ parts }: UserTurn, path: string): void {
    const writing = { traits: this.#target.traits, losses: this.#losses, path };
    const behind: JsonObject[] = [];
    for (const part of parts) {
      if (part.type !== "tool_result") {
        behind.push(encodePart(part, writing));
        continue;
      }
      const { message, media } = encodeResult(part, writing);
      this.#push(message);
      for (const each of media) behind.push(encodePart(each, writing));
    }
    this.#said.push(...behind);
  }

  assistant({ parts }: AssistantTurn, path: string): void {
    const calls = parts.filter((part) => part.type === "tool_call");
    const content = this.#textOf(parts, path);
    const reasoning = this.#reasoningOf(parts);
    if (content === "" && calls.length === 0 && Object.keys(reasoning).length === 0) return;
    this.#push({
      role: "assistant",
      content: content === "" && calls.length > 0 ? null : content,
      ...reasoning,
      ...(calls.length > 0 && { tool_calls: calls.map((call) => encodeCall(call, this.#signatureOf(call, parts))) }),
    });
  }

  /** For a model that cannot be given the beginning of its answer. */
  goOn(): void {
    if (this.#target.traits.prefill) return;
    this.#losses.changed(
      "turns",
      "the model cannot be given the beginning of its answer; it is asked to go on from there",
    );
    this.#said.push(textPart("[System instruction]\nGo on exactly where your last message ends."));
  }

  end(): readonly JsonObject[] {
    this.#endUser();
    return this.#messages;
  }

  #push(message: JsonObject): void {
    this.#endUser();
    this.#messages.push(message);
  }

  #endUser(): void {
    if (this.#said.length > 0) this.#messages.push({ role: "user", content: contentOf(this.#said) });
    this.#said = [];
  }

  /** All that was said, before the calls; a message cannot hold it between or behind them. */
  #textOf(parts: readonly AssistantPart[], path: string): string {
    let text = "";
    let isApart = false;
    let wasCalled = false;
    for (const part of parts) {
      if (part.type === "tool_call") wasCalled = true;
      if (part.type === "text" || part.type === "refusal") {
        this.#notice(part, wasCalled, path);
        text += text !== "" && isApart ? `\n\n${part.text}` : part.text;
      }
      isApart = part.type !== "text";
    }
    return text;
  }

  #notice(part: AssistantPart & { readonly type: "text" | "refusal" }, wasCalled: boolean, path: string): void {
    if (wasCalled) this.#losses.changed(path, "what was said behind a tool call is told before it");
    if (part.type === "refusal") this.#losses.changed(`${path}.refusal`, "it is told as text");
    else if (part.citations !== undefined) this.#losses.dropped(`${path}.citations`, "messages have no room for them");
  }

  #reasoningOf(parts: readonly AssistantPart[]): JsonObject {
    const { reasoningField } = this.#target.traits;
    const thinking = parts.filter((part) => part.type === "thinking");
    const text = thinking
      .map((part) => part.text)
      .filter((piece) => piece !== "")
      .join("\n\n");
    const details = thinking.flatMap((part) => this.#detailsOf(part));
    // Moonshot and DeepSeek refuse a turn with calls that lacks the field (400, 2026); a blank satisfies them.
    const isWanted = reasoningField === "reasoning_content" && parts.some(({ type }) => type === "tool_call");
    const told = text === "" && isWanted ? " " : text;
    return {
      ...(reasoningField !== "none" && told !== "" && { [reasoningField]: told }),
      ...(details.length > 0 && { reasoning_details: details }),
    };
  }

  #detailsOf({ state }: ThinkingPart): readonly unknown[] {
    if (state?.kind !== "details" || !isStateOf(state, "openai-chat", this.#target.provider)) return [];
    return parsedList(state.data);
  }

  /** What stands beside a call is the state directly before it. */
  #signatureOf(call: ToolCallPart, parts: readonly AssistantPart[]): string | undefined {
    const before = parts[parts.indexOf(call) - 1];
    const state = before?.type === "thinking" ? before.state : undefined;
    if (state?.kind !== "call" || !isStateOf(state, "openai-chat", this.#target.provider)) return undefined;
    return state.data;
  }
}

function parsedList(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isObject) : [];
  } catch {
    return [];
  }
}

/** As a message has it, whole. `signature` is what some providers want beside it. */
export function encodeCall(
  { id, name, kind, arguments: text }: ToolCallPart,
  signature: string | undefined,
): JsonObject {
  const extra = present({ extra_content: signature && { google: { thought_signature: signature } } });
  if (kind === "custom") return { id, type: "custom", custom: { name, input: text }, ...extra };
  return { id, type: "function", function: { name, arguments: text === "" ? "{}" : text }, ...extra };
}
