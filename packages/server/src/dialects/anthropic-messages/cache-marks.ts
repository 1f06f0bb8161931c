import type { CacheMark } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";

/** A block that is being written. */
export type Block = Record<string, unknown>;

/** The API refuses more. */
const mostMarks = 4;

/**
 * Where a cache may end. A request may have four such places; of more, the last four stay, for each of them covers all that
 * is before it. One that lives an hour must not stand behind one that lives five minutes, so it lives five minutes, too.
 */
export class CacheMarks {
  readonly #found: { readonly block: Block; readonly ttl: CacheMark["ttl"] }[] = [];

  /** The block itself, to be marked in the end. Blocks come in the order in which they are sent: tools, system, messages. */
  on(block: Block, cache: CacheMark | undefined): Block {
    if (cache !== undefined) this.#found.push({ block, ttl: cache.ttl });
    return block;
  }

  write(losses: Losses): void {
    if (this.#found.length > mostMarks) losses.hint("cache_control", "only the last four are kept");
    let ttl: CacheMark["ttl"] = "1h";
    for (const mark of this.#found.slice(-mostMarks)) {
      if (mark.ttl === "5m") ttl = "5m";
      mark.block["cache_control"] = ttl === "1h" ? { type: "ephemeral", ttl } : { type: "ephemeral" };
    }
  }
}
