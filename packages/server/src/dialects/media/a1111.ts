import type { JsonObject } from "../canonical/conversation.ts";
import { Losses, type Loss } from "../canonical/loss.ts";
import { invalid, optionalCount, optionalFlag, optionalText, present, textAt } from "../canonical/wire.ts";
import { AppError } from "../../kernel/errors.ts";
import { anyModel } from "./media.ts";

/*
 * The web interface for Stable Diffusion of AUTOMATIC1111 (version 1.10, /docs) and what has its API. Every field that is sent is
 * made here: others run scripts, write files or change the settings that everyone has.
 */

export const a1111Path = "/sdapi/v1/txt2img";

export interface A1111Request {
  readonly body: JsonObject;
  /** How many images were asked for. */
  readonly count: number;
  readonly losses: readonly Loss[];
}

const mostImages = 10;

/** @throws AppError `missing_field`, `invalid_request` */
export function encodeA1111(asked: JsonObject, model: string): A1111Request {
  const losses = new Losses();
  const { prompt, n } = asked;
  if (prompt === undefined || prompt === null) throw new AppError("missing_field", { field: "prompt" });
  const count = optionalCount(n, "n") ?? 1;
  if (count < 1 || count > mostImages) throw invalid("n", `must be from 1 to ${mostImages}`);
  noteLosses(asked, losses);
  const settings = model === anyModel ? {} : modelSettings(model);
  const body = {
    prompt: textAt(prompt, "prompt"),
    batch_size: count,
    ...sizeOf(asked["size"], losses),
    ...settings,
    send_images: true,
    save_images: false,
  };
  return { body: present(body), count, losses: losses.list };
}

/** Another model is loaded for this request only; what everyone has stays as it was. */
function modelSettings(model: string): JsonObject {
  return { override_settings: { sd_model_checkpoint: model }, override_settings_restore_afterwards: true };
}

const [leastPixels, mostPixels, step] = [64, 2048, 8];

/** The model's own size where none is named. */
function sizeOf(value: unknown, losses: Losses): { readonly width?: number; readonly height?: number } {
  const size = optionalText(value, "size") ?? "auto";
  if (size === "auto") return {};
  const [, wide, high] = /^(\d{1,5})x(\d{1,5})$/.exec(size) ?? [];
  if (wide === undefined || high === undefined) throw invalid("size", "must be `auto` or like `1024x1024`");
  const sides = [Number(wide), Number(high)];
  if (sides.some((side) => side < leastPixels || side > mostPixels)) {
    throw invalid("size", `must have sides of ${leastPixels} to ${mostPixels} pixels here`);
  }
  const [width = 0, height = 0] = sides.map((side) => side - (side % step));
  if (width !== sides[0] || height !== sides[1]) losses.changed("size", `sides are multiples of ${step} pixels`);
  return { width, height };
}

/** What of these OpenAI's clients say without wanting anything that there is not. */
const usual: Readonly<Record<string, readonly unknown[]>> = {
  response_format: ["b64_json"],
  output_format: ["png"],
  quality: ["auto"],
  background: ["auto", "opaque"],
  moderation: ["auto"],
  partial_images: [0],
  output_compression: [100],
};

const known: ReadonlySet<string> = new Set(["model", "prompt", "n", "size"]);

function noteLosses(asked: JsonObject, losses: Losses): void {
  if (optionalFlag(asked["stream"], "stream") === true) losses.hint("stream", "the images come when all are done");
  for (const [key, value] of Object.entries(asked)) {
    if (known.has(key) || key === "stream" || value === null || usual[key]?.includes(value) === true) continue;
    if (key === "user") losses.hint(key, "the engine asks for no user");
    else if (key === "response_format") losses.changed(key, "there is no place for files; they come as `b64_json`");
    else if (key === "output_format") losses.changed(key, "the engine's own settings decide");
    else losses.dropped(key, "the engine has nothing of the kind, or it is not for callers");
  }
}
