import type { JsonObject } from "../canonical/conversation.ts";
import { stateOf, thoughtOf } from "./decode-reply.ts";
import type { ItemParts, PartKind, StreamItem } from "./stream-item.ts";

export class ReasoningItem implements StreamItem {
  readonly #parts: ItemParts;
  /** Whether it tells a summary or the thought itself; of two that mean the same, the first is taken. */
  #kind: PartKind | undefined;
  readonly #said = new Map<number, number>();
  #part = -1;
  isDone = false;
  readonly isLost = false;

  constructor(parts: ItemParts) {
    this.#parts = parts;
  }

  is(type: string): boolean {
    return type === "reasoning";
  }

  delta(kind: PartKind, part: number, said: string): void {
    if (this.isDone || said === "") return;
    this.#kind ??= kind;
    if (this.#kind !== kind) return;
    const { writer, turn, number } = this.#parts;
    if (turn.last !== number) writer.endBlock();
    else if (this.#part !== part) writer.thinking("\n\n");
    this.#part = part;
    turn.last = number;
    this.#said.set(part, (this.#said.get(part) ?? 0) + said.length);
    writer.thinking(said);
  }

  whole(kind: PartKind, part: number, whole: string): void {
    if (this.#kind === undefined || this.#kind === kind) this.delta(kind, part, whole.slice(this.#said.get(part) ?? 0));
  }

  annotate(): void {
    // a thought rests on nothing
  }

  describe(): void {
    // its parts tell all of it
  }

  /** The state comes here; what `added` says of it is not yet whole. */
  end(item: JsonObject): void {
    if (this.isDone) return;
    const { writer, turn, number, provider } = this.#parts;
    if (this.#kind === undefined) this.delta("summary", 0, thoughtOf(item));
    this.isDone = true;
    const state = stateOf(item, provider);
    const isOpen = turn.last === number;
    if (state === undefined) {
      if (isOpen) writer.endBlock();
      return;
    }
    if (!isOpen) writer.endBlock();
    turn.last = number;
    writer.state(state);
  }
}
