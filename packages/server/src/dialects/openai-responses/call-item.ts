import type { BlockWriter } from "../canonical/block-writer.ts";
import type { JsonObject, ToolKind } from "../canonical/conversation.ts";
import { callIdIn, callName, callText } from "./decode-reply.ts";
import type { ItemParts, PartKind, StreamItem } from "./stream-item.ts";

export class CallItem implements StreamItem {
  readonly #parts: ItemParts;
  readonly #kind: ToolKind;
  /** What came before the name did. */
  #held = "";
  #length = 0;
  #isNamed = false;
  isDone = false;

  constructor(parts: ItemParts, kind: ToolKind) {
    this.#parts = parts;
    this.#kind = kind;
  }

  get isLost(): boolean {
    return !this.#isNamed;
  }

  is(type: string): boolean {
    return type === (this.#kind === "custom" ? "custom_tool_call" : "function_call");
  }

  delta(_kind: PartKind, _part: number, said: string): void {
    if (this.isDone || said === "") return;
    const { writer, turn, number } = this.#parts;
    this.#length += said.length;
    turn.last = number;
    if (this.#isNamed) writer.callText(number, said);
    else this.#held += said;
  }

  whole(kind: PartKind, part: number, whole: string): void {
    this.delta(kind, part, whole.slice(this.#length));
  }

  annotate(): void {
    // a call rests on nothing
  }

  describe(item: JsonObject): void {
    const name = callName(item);
    if (this.#isNamed || name === "") return;
    const { writer, turn, number } = this.#parts;
    this.#isNamed = true;
    turn.last = number;
    writer.call(number, callIdIn(item), name, this.#kind);
    writer.callText(number, this.#held);
    this.#held = "";
  }

  end(item: JsonObject): void {
    if (this.isDone) return;
    this.describe(item);
    this.whole("arguments", 0, callText(item));
    this.isDone = true;
    const { writer, number } = this.#parts;
    if (this.#isNamed) writer.endCall(number);
    else failWithoutName(writer);
  }
}

export function failWithoutName(writer: BlockWriter): void {
  writer.fail({ kind: "broken", status: 200, message: "a tool call has no name" });
}
