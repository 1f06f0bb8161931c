import { AppError } from "../../kernel/errors.ts";
import type {
  AssistantPart,
  JsonObject,
  ResultPart,
  TextPart,
  ToolKind,
  ToolResultPart,
  Turn,
} from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import type { StateSeal } from "../canonical/state-seal.ts";
import { invalid, isObject, listAt, objectAt, optionalText, present } from "../canonical/wire.ts";
import { citationsOf } from "./citations.ts";
import { piecesOfContent } from "./content-pieces.ts";
import { decodeCalls } from "./decode-calls.ts";
import { decodeContent, decodeTexts } from "./decode-parts.ts";
import { decodeReasoning } from "./decode-reasoning.ts";

export interface DecodedMessages {
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
}

/** @throws AppError `missing_field`, `invalid_request` */
export function decodeMessages(given: unknown, seal: StateSeal, losses: Losses): DecodedMessages {
  if (given === undefined || given === null) throw new AppError("missing_field", { field: "messages" });
  const reader = new MessageReader(seal, losses);
  for (const [index, message] of listAt(given, "messages").entries()) {
    const path = `messages[${index}]`;
    reader.read(objectAt(message, path), path);
  }
  return reader.end();
}

/** Instructions before the first turn are the system's; later ones stay where they are. */
class MessageReader {
  readonly #seal: StateSeal;
  readonly #losses: Losses;
  /** By the ids of calls, what kind they are. */
  readonly #kinds = new Map<string, ToolKind>();
  readonly #system: TextPart[] = [];
  readonly #turns: Turn[] = [];

  constructor(seal: StateSeal, losses: Losses) {
    this.#seal = seal;
    this.#losses = losses;
  }

  read(message: JsonObject, path: string): void {
    switch (message["role"]) {
      case "system":
      case "developer":
        this.#instruct(decodeTexts(message, path, this.#losses));
        break;
      case "user":
        this.#turns.push({ role: "user", parts: decodeContent(message, path, this.#losses) });
        break;
      case "assistant":
        this.#turns.push({ role: "assistant", parts: this.#assistantParts(message, path) });
        break;
      case "tool":
      case "function":
        this.#turns.push({ role: "user", parts: [this.#result(message, path)] });
        return; // its name is that of the tool
      default:
        throw invalid(`${path}.role`, "must be one of system, developer, user, assistant, tool");
    }
    if (optionalText(message["name"], `${path}.name`) !== undefined && message["name"] !== "")
      this.#losses.dropped(`${path}.name`, "names of speakers cannot be told to this model");
  }

  end(): DecodedMessages {
    if (this.#turns.length > 0) return { system: this.#system, turns: this.#turns };
    const last = this.#system.at(-1);
    if (last === undefined) throw invalid("messages", "hold nothing that can be told to this model");
    this.#losses.changed("messages", "there are only instructions; the last of them is told as the user's words");
    return { system: this.#system.slice(0, -1), turns: [{ role: "user", parts: [last] }] };
  }

  #instruct(parts: readonly TextPart[]): void {
    if (this.#turns.length === 0) this.#system.push(...parts);
    else this.#turns.push({ role: "system", parts });
  }

  #assistantParts(message: JsonObject, path: string): readonly AssistantPart[] {
    const { first, beforeCalls } = decodeReasoning(message, path, this.#seal, this.#losses);
    if (message["audio"] !== undefined && message["audio"] !== null)
      this.#losses.dropped(`${path}.audio`, "earlier speech cannot be told to this model");
    const calls = decodeCalls(message, path, this.#losses);
    for (const { id, kind } of calls) this.#kinds.set(id, kind);
    return [
      ...first,
      ...this.#said(message, path),
      ...calls.flatMap((call, index) => {
        const before = beforeCalls.get(index);
        return before === undefined || (before.text === "" && before.state === undefined) ? [call] : [before, call];
      }),
    ];
  }

  /** Texts and refusals; what Mistral's models thought among them is read with the reasoning. */
  #said(message: JsonObject, path: string): readonly AssistantPart[] {
    const { content } = message;
    const isPlain = (part: unknown): boolean =>
      !isObject(part) || (part["type"] !== "refusal" && part["type"] !== "thinking");
    const plain = Array.isArray(content) ? { ...message, content: content.filter(isPlain) } : message;
    const citations = citationsOf(message["annotations"]);
    const texts = decodeTexts(plain, path, this.#losses).map((part, index) => {
      return index === 0 ? { ...part, ...present({ citations }) } : part;
    });
    const refusals = piecesOfContent(content).filter(({ kind }) => kind === "refusal");
    const refused = optionalText(message["refusal"], `${path}.refusal`) ?? "";
    return [
      ...texts.filter(({ text }) => text !== ""),
      ...[...refusals.map(({ text }) => text), refused]
        .filter((text) => text !== "")
        .map((text) => ({ type: "refusal", text }) as const),
    ];
  }

  #result(message: JsonObject, path: string): ToolResultPart {
    const callId = optionalText(message["tool_call_id"], `${path}.tool_call_id`) ?? "";
    const parts = decodeContent(message, path, this.#losses).filter((part): part is ResultPart => {
      if (part.type !== "audio") return true;
      this.#losses.dropped(`${path}.content`, "a tool's result cannot be sound");
      return false;
    });
    return {
      type: "tool_result",
      callId,
      kind: this.#kinds.get(callId) ?? "function",
      parts,
      isError: false,
    };
  }
}
