import type { BlockWriter } from "../canonical/block-writer.ts";
import type { JsonObject } from "../canonical/conversation.ts";

/*
 * The items of a stream, as far as they came. What was said of an item is counted, so that the events that repeat it whole, of
 * which every item has several, add what is missing and nothing else; servers that are not OpenAI's leave out any of them. An
 * item that is done takes no more.
 */

export interface StreamItem {
  /** Whether it is what an event takes it for. */
  is(type: string): boolean;
  readonly isDone: boolean;
  /** More of a part of it. */
  delta(kind: PartKind, part: number, text: string): void;
  /** A part of it as a whole. */
  whole(kind: PartKind, part: number, text: string): void;
  annotate(annotation: unknown): void;
  /** What of the item is told before its parts, such as the name of a call. */
  describe(item: JsonObject): void;
  /** The item as a whole. */
  end(item: JsonObject): void;
  /** Whether it cannot be told, because something is missing that must not be guessed. */
  readonly isLost: boolean;
}

export type PartKind = "text" | "refusal" | "summary" | "thought" | "arguments" | "input";

/** What items of a stream have in common. */
export interface ItemParts {
  readonly writer: BlockWriter;
  readonly provider: string;
  /** Tells it from the others, whatever the provider calls it. */
  readonly number: number;
  readonly turn: ItemTurn;
}

export interface ItemTurn {
  /** The item that wrote last. */
  last: number;
  /** Whether any refused. */
  refused: boolean;
}
