import type { JsonObject } from "../canonical/conversation.ts";
import { isObject } from "../canonical/wire.ts";
import { text } from "../counter.ts";
import { citationOf } from "./decode-content.ts";
import type { ItemParts, PartKind, StreamItem } from "./stream-item.ts";

export class MessageItem implements StreamItem {
  readonly #parts: ItemParts;
  /** How much of each part was said. */
  readonly #said = new Map<number, number>();
  #part = -1;
  #isCited = false;
  isDone = false;
  readonly isLost = false;

  constructor(parts: ItemParts) {
    this.#parts = parts;
  }

  is(type: string): boolean {
    return type === "message";
  }

  delta(kind: PartKind, part: number, said: string): void {
    if (this.isDone || said === "") return;
    const { writer, turn, number } = this.#parts;
    if (this.#part !== part || turn.last !== number) writer.endBlock();
    this.#part = part;
    turn.last = number;
    this.#said.set(part, (this.#said.get(part) ?? 0) + said.length);
    turn.refused ||= kind === "refusal";
    if (kind === "refusal") writer.refusal(said);
    else writer.text(said);
  }

  whole(kind: PartKind, part: number, whole: string): void {
    this.delta(kind, part, whole.slice(this.#said.get(part) ?? 0));
  }

  annotate(annotation: unknown): void {
    const citation = citationOf(annotation);
    if (citation === undefined || this.isDone) return;
    this.#isCited = true;
    this.#parts.writer.cite(citation);
  }

  describe(): void {
    // its parts tell all of it
  }

  end(item: JsonObject): void {
    if (this.isDone) return;
    const content: readonly unknown[] = Array.isArray(item["content"]) ? item["content"] : [];
    for (const [index, part] of content.entries()) this.#endPart(part, index);
    this.isDone = true;
    if (this.#parts.turn.last === this.#parts.number) this.#parts.writer.endBlock();
  }

  /** Annotations are taken from here only where none came by themselves. */
  #endPart(part: unknown, index: number): void {
    const refusal = text(part, "refusal");
    if (refusal !== undefined) return this.whole("refusal", index, refusal);
    this.whole("text", index, text(part, "text") ?? "");
    const annotations: unknown = isObject(part) ? part["annotations"] : undefined;
    const isOpen = this.#parts.turn.last === this.#parts.number && this.#part === index;
    if (!isOpen || this.#isCited || !Array.isArray(annotations)) return;
    for (const annotation of annotations) this.annotate(annotation);
    this.#isCited = false;
  }
}
