/**
 * Planted secrets, and the search for them in whatever was written. A canary is looked for as it is and in five
 * encodings, wherever in a larger text it may stand, and in pieces: a log that shows most of a key shows the key.
 */
import { randomBytes } from "node:crypto";

export interface Canary {
  readonly name: string;
  readonly value: string;
  /** The part of the value that nothing else can hold: what is looked for in pieces. */
  readonly core: string;
  /** How the characters stand for bytes; `latin1` for a secret that is not text. */
  readonly charset: "utf8" | "latin1";
}

/** Something that was written, and where. */
export interface Trace {
  readonly where: string;
  readonly bytes: Buffer;
}

export interface Hit {
  readonly canary: string;
  readonly where: string;
  /** All in which it was found there. */
  readonly encodings: readonly string[];
  /** What stands around the first. */
  readonly excerpt: string;
}

/** A new canary: 40 random letters and digits between what makes it look like the real thing. */
export function plant(name: string, before = "", after = ""): Canary {
  const core = randomBytes(60)
    .toString("base64")
    .replaceAll(/[^A-Za-z0-9]/g, "")
    .slice(0, 40);
  return { name, value: `${before}${core}${after}`, core, charset: "utf8" };
}

/** A secret that somebody else made. */
export function canaryOf(name: string, value: string | Buffer): Canary {
  const text = typeof value === "string" ? value : value.toString("latin1");
  return { name, value: text, core: text, charset: typeof value === "string" ? "utf8" : "latin1" };
}

/** Every place where a canary stands. `mayHold` says which of them are meant to be there. */
export function search(
  canaries: readonly Canary[],
  traces: readonly Trace[],
  mayHold: (where: string, canary: string) => boolean = () => false,
): readonly Hit[] {
  return canaries.flatMap((canary) => {
    const encodings = Object.entries(encodingsOf(canary));
    return traces.flatMap(({ where, bytes }) => {
      if (mayHold(where, canary.name)) return [];
      const found = encodings.flatMap(([encoding, forms]) => {
        const offset = forms.map((form) => bytes.indexOf(form)).find((at) => at !== -1);
        return offset === undefined ? [] : [{ encoding, offset }];
      });
      const [first] = found;
      if (first === undefined) return [];
      const names = found.map(({ encoding }) => encoding);
      return [{ canary: canary.name, where, encodings: names, excerpt: excerptOf(bytes, first.offset) }];
    });
  });
}

/** The forms of each encoding. */
export function encodingsOf({ value, core, charset }: Canary): Readonly<Record<string, readonly (string | Buffer)[]>> {
  const bytes = Buffer.from(value, charset);
  const base64 = [0, 1, 2].map((shift) => base64At(bytes, shift));
  const hex = bytes.toString("hex");
  return {
    plain: [bytes],
    base64,
    base64url: base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    hex: [hex, hex.toUpperCase()],
    url: urlForms(value),
    json: jsonForms(value),
    piece: piecesOf(Buffer.from(core, charset)),
  };
}

/** The base64 of the value as a part of something longer, which begins `shift` bytes after a group of three. */
function base64At(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
}

function urlForms(value: string): readonly string[] {
  const all = encodeURIComponent(value).replaceAll(/[!'()*~.-]/g, percent);
  const usual = encodeURIComponent(value);
  const lower = usual.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  return [usual, lower, all, usual.replaceAll("%20", "+"), encodeURI(value)];
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function jsonForms(value: string): readonly string[] {
  const usual = JSON.stringify(value).slice(1, -1);
  const ascii = usual.replaceAll(/[^\x20-\x7e]/g, unicode);
  const whole = value.replaceAll(/[\s\S]/g, unicode);
  return [
    usual,
    ascii,
    ascii.replaceAll("/", "\\/"),
    whole,
    whole.replaceAll(/(?<=\\u)[0-9a-f]{4}/g, (code) => code.toUpperCase()),
  ];
}

function unicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Any 15 bytes in a row hold one of these. */
function piecesOf(core: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0; from + 12 <= core.length; from += 4) pieces.push(core.subarray(from, from + 12));
  return pieces;
}

function excerptOf(bytes: Buffer, offset: number): string {
  return bytes.toString("latin1", Math.max(0, offset - 60), offset + 40).replaceAll(/[^\x20-\x7e]+/g, "·");
}
