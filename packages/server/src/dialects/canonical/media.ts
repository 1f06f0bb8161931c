import type { MediaSource } from "./conversation.ts";
import { invalid } from "./wire.ts";

/** Spellings that clients use for registered media types. */
const aliases: Readonly<Record<string, string>> = {
  "image/jpg": "image/jpeg",
  "image/pjpeg": "image/jpeg",
  "audio/mp3": "audio/mpeg",
  "audio/x-wav": "audio/wav",
  "audio/wave": "audio/wav",
  "application/x-pdf": "application/pdf",
};

/** Lower case, without parameters, and the registered name of it. */
export function mediaType(written: string): string {
  const essence = (written.split(";")[0] ?? "").trim().toLowerCase();
  return Object.hasOwn(aliases, essence) ? (aliases[essence] ?? essence) : essence;
}

/** Images that every provider with eyes takes. */
export const imageTypes: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/**
 * A `data:` URL (RFC 2397) in base64, or the address of something on the web. `http` is let through: whoever fetches it
 * decides.
 *
 * @throws AppError `invalid_request`
 */
export function sourceOfUrl(url: string, path: string): MediaSource {
  if (/^https?:\/\//i.test(url)) return { kind: "url", url };
  const head = /^data:([^,;]*)((?:;[^,;]*)*),/i.exec(url.slice(0, 300));
  if (head === null) throw invalid(path, "must be a `data:` URL in base64 or an https address");
  const [whole, type = "", parameters = ""] = head;
  if (!/;base64$/i.test(parameters)) throw invalid(path, "must be base64: `data:image/png;base64,…`");
  return { kind: "base64", mediaType: mediaType(type), data: base64At(url.slice(whole.length), path) };
}

/** Checks base64 as providers want it; what is written for URLs is rewritten. @throws AppError `invalid_request` */
export function base64At(text: string, path: string): string {
  const plain = /[\s_-]/.test(text) ? text.replaceAll(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/") : text;
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) throw invalid(path, "is not base64");
  return plain;
}

export function dataUrl(source: MediaSource & { readonly kind: "base64" }): string {
  return `data:${source.mediaType};base64,${source.data}`;
}

/** A name that tells what is in the file: OpenAI goes by its ending, and refuses a file that has none. */
export function fileName(name: string | undefined, type: string): string {
  const ending = Object.hasOwn(endings, type) ? endings[type] : undefined;
  const stem = name ?? "document";
  return ending === undefined || stem.toLowerCase().endsWith(ending) ? stem : stem + ending;
}

const endings: Readonly<Record<string, string>> = {
  "application/pdf": ".pdf",
  "text/csv": ".csv",
  "text/plain": ".txt",
};
