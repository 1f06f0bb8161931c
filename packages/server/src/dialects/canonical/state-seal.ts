import { createHmac, timingSafeEqual } from "node:crypto";
import type { DialectId } from "../dialect.ts";
import type { ReasoningState } from "./conversation.ts";

/*
 * One provider's reasoning state on its way through another dialect: an envelope that lies in a field which the caller's
 * client keeps and sends back unread, such as `signature` or `encrypted_content`. It is base64 throughout, because some of
 * these fields are bytes to their clients.
 *
 *     base64( magic (6 bytes)  MAC (16 bytes)  JSON of the state )
 *
 * The MAC is HMAC-SHA-256, cut to 128 bits, over all but itself. What does not verify is not passed on to any provider.
 */

export interface StateSeal {
  seal(state: ReasoningState): string;
  /**
   * The state in an envelope of ours; `forged` for what has our mark and does not verify, or was sealed under another key;
   * undefined for what is no envelope: it is the caller's dialect's own.
   */
  open(text: string): ReasoningState | "forged" | undefined;
}

const magic = Buffer.from("\u00b5pcls1", "latin1");
/** What every envelope begins with: six bytes are eight characters of base64 exactly. */
export const sealMark = magic.toString("base64");
const macBytes = 16;

/** The key is 32 bytes or more, the same in every instance and after every start. */
export function createStateSeal(key: Uint8Array): StateSeal {
  const macOf = (payload: Buffer): Buffer =>
    createHmac("sha256", key).update(magic).update(payload).digest().subarray(0, macBytes);

  return {
    seal({ dialect, provider, data, kind, id }) {
      const payload = Buffer.from(JSON.stringify([dialect, provider, data, kind ?? "", id ?? ""]));
      return Buffer.concat([magic, macOf(payload), payload]).toString("base64");
    },
    open(text) {
      if (!text.startsWith(sealMark)) return undefined;
      const bytes = Buffer.from(text, "base64");
      const payload = bytes.subarray(magic.length + macBytes);
      const mac = bytes.subarray(magic.length, magic.length + macBytes);
      if (mac.length < macBytes || !timingSafeEqual(mac, macOf(payload))) return "forged";
      return parseState(payload);
    },
  };
}

/** What verified was written above. */
function parseState(payload: Buffer): ReasoningState {
  const [dialect, provider, data, kind, id] = JSON.parse(payload.toString("utf8")) as [
    DialectId,
    string,
    string,
    string,
    string,
  ];
  return { dialect, provider, data, ...(kind !== "" && { kind }), ...(id !== "" && { id }) };
}

/** Whether this state may go to that provider: it made it, or it is of its dialect and nobody knows who made it. */
export function isStateOf(state: ReasoningState, dialect: DialectId, provider: string): boolean {
  return state.dialect === dialect && (state.provider === provider || state.provider === "");
}
