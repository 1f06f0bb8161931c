import { isObject } from "../canonical/wire.ts";
import { text } from "../counter.ts";

export interface ContentPiece {
  readonly kind: "text" | "thinking" | "refusal";
  readonly text: string;
}

/**
 * What an assistant's content says, which is a text, or a list: Mistral's models put what they thought among the rest, as
 * `{"type":"thinking","thinking":[{"type":"text","text":"…"}]}`. What else there may be is passed over.
 */
export function piecesOfContent(content: unknown): readonly ContentPiece[] {
  if (typeof content === "string") return [{ kind: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: unknown): readonly ContentPiece[] => {
    if (typeof part === "string") return [{ kind: "text", text: part }];
    if (!isObject(part)) return [];
    const refusal = text(part, "refusal");
    if (part["type"] === "refusal" && refusal !== undefined) return [{ kind: "refusal", text: refusal }];
    if (part["type"] === "thinking") return [{ kind: "thinking", text: thoughtIn(part["thinking"]) }];
    const said = text(part, "text");
    return said === undefined ? [] : [{ kind: "text", text: said }];
  });
}

function thoughtIn(thinking: unknown): string {
  if (typeof thinking === "string") return thinking;
  if (!Array.isArray(thinking)) return "";
  return thinking.map((piece: unknown) => text(piece, "text") ?? "").join("");
}
