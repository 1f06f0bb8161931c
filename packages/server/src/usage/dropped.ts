import { withoutKeys } from "../kernel/key-shapes.ts";

/** Something of a request that could not be said in the dialect it was translated to. */
export interface LostPart {
  /** Where it stood in what the caller sent: `temperature`, `tools[3]`. */
  readonly path: string;
  /** What became of it: `dropped`, `changed`, `hint`. The last part of a list that was cut is `more`. */
  readonly kind: string;
}

/** The most that the text of a row's lost parts takes. */
export const maxDroppedBytes = 1_000;
/** So long a path says where to look. */
const maxPathCharacters = 200;

/**
 * The lost parts as a row keeps them: `[["temperature","dropped"],["cache_control","hint"]]`, in printable ASCII. Where there
 * is no room for all of them, the last one says how many are not named: `["and 17 more","more"]`. Null if nothing was lost.
 */
export function describeLosses(losses: readonly LostPart[] | undefined): string | null {
  if (losses === undefined || losses.length === 0) return null;
  const texts: string[] = [];
  let freeBytes = maxDroppedBytes - 1; // less two brackets, and the first part has no comma
  for (const [index, { path, kind }] of losses.entries()) {
    const text = textOf(path, kind);
    const left = losses.length - index;
    const rest = textOf(`and ${left} more`, "more");
    if (text.length + 1 + (left === 1 ? 0 : rest.length + 1) > freeBytes) {
      texts.push(rest);
      break;
    }
    texts.push(text);
    freeBytes -= text.length + 1;
  }
  return `[${texts.join(",")}]`;
}

/** A path holds names that the caller chose: a key in the place of one is not written down. */
function textOf(path: string, kind: string): string {
  const plain = withoutKeys(path)
    .replaceAll(/[^ -~]/g, "?")
    .slice(0, maxPathCharacters);
  return JSON.stringify([plain, kind]);
}

/** The parts in a row's text; null if it has none. */
export function lostParts(dropped: string | null): readonly LostPart[] | null {
  if (dropped === null) return null;
  const pairs = JSON.parse(dropped) as readonly (readonly [string, string])[]; // `describeLosses` wrote it
  return pairs.map(([path, kind]) => ({ path, kind }));
}
