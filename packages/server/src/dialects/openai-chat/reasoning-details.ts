import type { JsonObject } from "../canonical/conversation.ts";
import { text } from "../counter.ts";

/*
 * OpenRouter's `reasoning_details`: what the models behind it want back, entry by entry. A text or a summary comes in pieces;
 * all else of an entry comes once. https://openrouter.ai/docs/use-cases/reasoning-tokens
 */

/** Whether an entry holds what only the model can read, and must have back. */
export function hasState(detail: JsonObject): boolean {
  return text(detail, "signature") !== undefined || text(detail, "data") !== undefined;
}

/** What of it can be read. */
export function textOfDetails(details: readonly JsonObject[]): string {
  return details.map((detail) => text(detail, "text") ?? text(detail, "summary") ?? "").join("");
}

/** Puts the entries of a stream together. */
export class DetailsCollector {
  readonly #entries: Record<string, unknown>[] = [];

  push(detail: JsonObject): void {
    const last = this.#entries.at(-1);
    if (last === undefined || !continues(last, detail)) {
      this.#entries.push({ ...detail });
      return;
    }
    for (const [key, value] of Object.entries(detail)) {
      if ((key === "text" || key === "summary") && typeof value === "string")
        last[key] = `${text(last, key) ?? ""}${value}`;
      else if (value !== null && value !== undefined) last[key] = value;
    }
  }

  /** As the text of a state; undefined where nothing of it needs to go back. */
  get data(): string | undefined {
    return this.#entries.some(hasState) ? JSON.stringify(this.#entries) : undefined;
  }
}

function continues(last: JsonObject, next: JsonObject): boolean {
  const isPiece = next["type"] === "reasoning.text" || next["type"] === "reasoning.summary";
  return isPiece && last["type"] === next["type"] && (last["index"] ?? 0) === (next["index"] ?? 0);
}
