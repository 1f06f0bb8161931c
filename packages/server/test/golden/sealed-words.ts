import { createStateSeal, type ReasoningState } from "../../src/dialects/index.ts";

/*
 * Envelopes of reasoning states, in words: `«sealed gemini google call - c2ln»` is the state `c2ln` of the kind `call`, without
 * an id, that the provider `google` made, as the gateway gives it to clients; `«forged …»` is one that somebody else sealed.
 */

/** For tests only. */
export const sealKey: Uint8Array = Buffer.alloc(32, 7);
const seals = { sealed: createStateSeal(sealKey), forged: createStateSeal(Buffer.alloc(32, 8)) };
const mark = seals.sealed.seal({ dialect: "gemini", provider: "", data: "" }).slice(0, 8);
/** Of those that lie in each other, the inmost. */
const words = /«(sealed|forged) (\S+) (\S+) (\S+) (\S+) ([^«»]*)»/g;

/** The text of a wire file, with envelopes for their words. */
export function withEnvelopes(text: string): string {
  const inner = text.replace(words, (_all, by: "sealed" | "forged", dialect, provider, kind, id, data: string) => {
    const state = { dialect, provider: unless(provider), kind: unless(kind), id: unless(id) } as ReasoningState;
    return seals[by].seal({ ...state, data: JSON.parse(`"${data}"`) as string });
  });
  return inner === text ? text : withEnvelopes(inner);
}

function unless(word: string): string {
  return word === "-" ? "" : word;
}

/** The other way around; an envelope within another's data is told, too. */
export function withoutEnvelopes(text: string): string {
  return text.replaceAll(new RegExp(`${RegExp.escape(mark)}[A-Za-z0-9+/=]*`, "g"), (envelope) => {
    const state = seals.sealed.open(envelope);
    if (state === undefined) return envelope;
    if (state === "forged") return "«forged»";
    const data = JSON.stringify(withoutEnvelopes(state.data)).slice(1, -1);
    const told = [state.dialect, state.provider || "-", state.kind ?? "-", state.id ?? "-", data];
    return `«sealed ${told.join(" ")}»`;
  });
}
