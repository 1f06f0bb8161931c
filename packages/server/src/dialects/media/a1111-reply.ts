import type { UpstreamFailure } from "../canonical/reply.ts";
import { isObject, present } from "../canonical/wire.ts";
import { field, text } from "../counter.ts";
import { anyModel } from "./media.ts";

/** Images as they are, and what is known of them. */
export interface Painted {
  /** Base64. */
  readonly images: readonly string[];
  readonly format: "png" | "jpeg" | "webp";
  /** `512x512` */
  readonly size: string | undefined;
}

export interface PaintedFor {
  /** The model's name at the engine. */
  readonly model: string;
  readonly count: number;
}

export function decodeA1111(document: unknown, { model, count }: PaintedFor): Painted | UpstreamFailure {
  const list = field(document, "images");
  // Extensions put their own pictures behind those that were asked for.
  const images = Array.isArray(list) ? list.filter((image) => typeof image === "string").slice(0, count) : [];
  const [first] = images;
  if (first === undefined) return { kind: "broken", status: 200, message: "the reply has no images" };
  const other = otherModel(document, model);
  if (other !== undefined) {
    const message = `it painted with ${other}, as it does if it has no checkpoint of that name`;
    return { kind: "not_found", status: 404, message };
  }
  return { images: images.map(withoutPrefix), format: formatOf(withoutPrefix(first)), size: sizeIn(document) };
}

/** `data:image/png;base64,…`, as some engines of the same shape have it. */
function withoutPrefix(image: string): string {
  return image.startsWith("data:") ? image.slice(image.indexOf(",") + 1) : image;
}

/** How files begin tells what they are; which format is written is a setting of the engine's. */
function formatOf(base64: string): Painted["format"] {
  if (base64.startsWith("/9j/")) return "jpeg";
  return base64.startsWith("UklGR") ? "webp" : "png";
}

function sizeIn(document: unknown): string | undefined {
  const [width, height] = ["width", "height"].map((side) => field(document, "parameters", side));
  return typeof width === "number" && typeof height === "number" ? `${width}x${height}` : undefined;
}

/**
 * The model that painted, where it surely is another one than was asked for: for a name that it does not know the engine takes
 * the model that is loaded, and says so nowhere else than in `info`, which is JSON within JSON. A model may be asked for by its
 * file's name, with or without folder, ending and hash, or by its hash.
 */
function otherModel(document: unknown, asked: string): string | undefined {
  const info = infoIn(document);
  const name = text(info, "sd_model_name");
  if (name === undefined || asked === anyModel) return undefined;
  const wanted = asked
    .replace(/ \[[0-9a-f]{6,64}\]$/, "")
    .replace(/\.(?:safetensors|ckpt|pt|pth|bin|gguf)$/, "")
    .replaceAll("\\", "/");
  const isHash = /^[0-9a-f]{8,64}$/.test(asked);
  return isHash || wanted.endsWith(name) ? undefined : name;
}

function infoIn(document: unknown): unknown {
  const info = text(document, "info");
  try {
    const parsed: unknown = info === undefined ? undefined : JSON.parse(info);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** As OpenAI answers, and each image of it where it is streamed. */
export function encodeImages({ images, format, size }: Painted, created: number): object {
  const data = images.map((image) => ({ b64_json: image }));
  return present({ created, data, output_format: format, size });
}

export function encodeImageEvents({ images, format, size }: Painted, created: number): readonly ImageEvent[] {
  const shown = present({ created_at: created, output_format: format, size });
  return images.map((image) => ({ type: "image_generation.completed", b64_json: image, ...shown }));
}

export interface ImageEvent {
  readonly type: "image_generation.completed";
  readonly b64_json: string;
  readonly created_at: number;
}
