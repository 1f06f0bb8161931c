import { ascii, hexDigit, invalidJson } from "./json-token.ts";

/** The top-level keys a scan looks out for; made once by `watchKeys`, used for every body. */
export interface WatchedKeys {
  readonly names: readonly string[];
  readonly spellings: readonly Buffer[];
  /** 1 at every byte that a watched key, in whatever letter case, or an escape may begin with. */
  readonly firstBytes: Uint8Array;
  /** The list of which the first item's keys are watched too. Their names follow all others. */
  readonly list: { readonly index: number; readonly keys: WatchedKeys } | undefined;
}

/** Names are letters, digits and underscores and begin with a lower-case letter, as all keys of the dialects do. */
export function watchKeys(...names: readonly string[]): WatchedKeys {
  const firstBytes = new Uint8Array(256);
  firstBytes[ascii.backslash] = 1;
  for (const name of names) {
    if (!/^[a-z]\w*$/.test(name)) throw new RangeError(`cannot watch the key ${name}`);
    firstBytes[name.charCodeAt(0)] = 1;
    firstBytes[name.charCodeAt(0) - 0x20] = 1;
  }
  return { names, spellings: names.map((name) => Buffer.from(name)), firstBytes, list: undefined };
}

/**
 * Watches for keys of the first item of a list as well, one pass finding both: `first` of `choices`, say, under the name
 * `choices.finish_reason`. Not for scans in slices.
 */
export function watchFirst(list: string, first: WatchedKeys, watched: WatchedKeys): WatchedKeys {
  const names = [...watched.names, ...first.names.map((name) => `${list}.${name}`)];
  return { ...watched, names, list: { index: watched.names.indexOf(list), keys: first } };
}

/**
 * Which watched key stands between the quotes, or -1.
 *
 * @throws AppError `invalid_json`, if `strict`, for a watched key in another letter case.
 */
export function watchedIndex(bytes: Buffer, start: number, end: number, watched: WatchedKeys, strict: boolean): number {
  for (let index = 0; index < watched.spellings.length; index++) {
    const key = watched.spellings[index];
    const like = key === undefined ? "other" : compareKey(bytes, start, end, key);
    if (like === "same") return index;
    if (like === "case" && strict) {
      throw invalidJson(`there is a key like \`${watched.names[index]}\` in another letter case`, start - 1);
    }
  }
  return -1;
}

const prototypeKey = Buffer.from("__proto__");

export function refusePrototypeKey(bytes: Buffer, start: number, end: number): void {
  const first = bytes[start];
  if (first !== ascii.underscore && first !== ascii.backslash) return;
  if (compareKey(bytes, start, end, prototypeKey) === "same") {
    throw invalidJson("there is a key `__proto__`", start - 1);
  }
}

/**
 * How a key as written, with or without escapes, compares with a watched key: the same, the same but for
 * letter case, or another. Stops at the first difference and makes no string.
 */
function compareKey(bytes: Buffer, start: number, end: number, key: Buffer): "same" | "case" | "other" {
  let like: "same" | "case" = "same";
  let at = start;
  for (let index = 0; index < key.length; index++) {
    if (at >= end) return "other";
    let code = bytes[at] ?? 0;
    if (code === ascii.backslash) {
      if (bytes[at + 1] !== ascii.u) return "other"; // no short escape stands for a letter, a digit or an underscore
      code = escapedCode(bytes, at + 2);
      at += 6;
    } else {
      at++;
    }
    const wanted = key[index] ?? 0;
    if (code === wanted) continue;
    if (lowerCase(code) !== lowerCase(wanted)) return "other";
    like = "case";
  }
  return at === end ? like : "other";
}

function lowerCase(code: number): number {
  return code >= ascii.upperA && code <= ascii.upperZ ? code + 0x20 : code;
}

function escapedCode(bytes: Buffer, from: number): number {
  let code = 0;
  for (let at = from; at < from + 4; at++) code = code * 16 + hexDigit(bytes[at] ?? 0);
  return code;
}
