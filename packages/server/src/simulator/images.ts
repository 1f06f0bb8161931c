import type { Failure } from "./failure.ts";
import { openaiFailure } from "./failure.ts";
import { isFile } from "./form.ts";
import { fieldFailure, invalid, invalidType, missing } from "./openai.ts";
import { tokensOf } from "./reply.ts";
import type { Call, Errand, Product, Service, Stream } from "./vendor.ts";
import { isInteger, type JsonObject, stringOf } from "./wire.ts";

const common =
  "model prompt background n output_compression output_format partial_images quality response_format size stream user";
const generationFields = new Set(`${common} moderation style svg frame_count frame_duration_ms complexity`.split(" "));
const editFields = new Set(`${common} image mask markup input_fidelity safety_identifier`.split(" "));

/** OpenAI's images: https://platform.openai.com/docs/api-reference/images */
export const imageGenerations: Service = {
  house: "openai",
  takes: "json",
  check: (call) => fieldFailure(call.body, generationFields) ?? imageFailure(call),
  serve: (errand) => paint(errand, "image_generation"),
};

export const imageEdits: Service = {
  house: "openai",
  takes: "form",
  check: (call) => formFieldFailure(call.body, editFields) ?? sourceFailure(call) ?? imageFailure(call),
  serve: (errand) => paint(errand, "image_edit"),
};

/** In a form, every field is a text. */
export function formFieldFailure(body: JsonObject, fields: ReadonlySet<string>): Failure | undefined {
  const { stream, ...others } = body;
  if (stream !== undefined && stream !== "true" && stream !== "false") return invalidType("stream", "a boolean");
  const { temperature, ...rest } = others;
  if (temperature !== undefined && !(Number(temperature) >= 0 && Number(temperature) <= 1)) {
    return invalidType("temperature", "a number between 0 and 1");
  }
  return fieldFailure(rest, fields);
}

function sourceFailure({ body }: Call): Failure | undefined {
  const images = Array.isArray(body["image"]) ? body["image"] : [body["image"]];
  if (images[0] === undefined) return missing("image");
  if (!images.every(isFile)) return invalidType("image", "a file");
  const odd = images.find(({ contentType }) => !/^image\/(?:png|jpeg|webp)$/.test(contentType));
  const message = `Invalid file 'image': unsupported mimetype ('${odd?.contentType ?? ""}').`;
  return odd === undefined ? undefined : invalid(message, "image", "unsupported_file_mimetype");
}

function imageFailure({ body }: Call): Failure | undefined {
  if (body["prompt"] === undefined) return missing("prompt");
  if (typeof body["prompt"] !== "string") return invalidType("prompt", "a string");
  const count = countOf(body);
  if (count < 1 || count > 10) return invalid("Invalid 'n': expected a value from 1 to 10.", "n", "invalid_value");
  if (body["response_format"] === undefined || isDallE(body)) return undefined;
  return invalid("Unknown parameter: 'response_format'.", "response_format", "unknown_parameter");
}

function isDallE(body: JsonObject): boolean {
  return stringOf(body["model"]).startsWith("dall-e");
}

function countOf({ n }: JsonObject): number {
  return n === undefined || n === null ? 1 : Number(n);
}

/** One dot: the smallest picture there is; with `textBytes`, as many bytes behind its first eight. */
export const dot = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=",
  "base64",
);

function imageOf({ script }: Errand): string {
  if (script.textBytes === undefined) return dot.toString("base64");
  return Buffer.concat([dot.subarray(0, 8), Buffer.alloc(script.textBytes, dot)]).toString("base64");
}

function paint(errand: Errand, event: "image_generation" | "image_edit"): Product {
  const { body } = errand.call;
  if (body["stream"] === true || body["stream"] === "true") return paintInSteps(errand, event);
  const image =
    isDallE(body) && body["response_format"] !== "b64_json" ? { url: urlOf(errand) } : { b64_json: imageOf(errand) };
  const data = Array.from({ length: countOf(body) }, () => image);
  const described = isDallE(body) ? {} : { ...looks, ...usageOf(errand, data.length) };
  return { json: { created: errand.createdSeconds, data, ...described } };
}

const looks = { background: "opaque", output_format: "png", quality: "low", size: "1024x1024" };

function urlOf({ nextId }: Errand): string {
  return `https://images.example.com/${nextId("img-", 24)}.png`;
}

const tokensPerImage = 272;

function usageOf({ call, script }: Errand, images: number): JsonObject {
  if (script.omit?.includes("usage") === true) return {};
  const text = tokensOf(Buffer.byteLength(stringOf(call.body["prompt"])));
  const sources = Array.isArray(call.body["image"])
    ? call.body["image"].length
    : call.body["image"] === undefined
      ? 0
      : 1;
  const input = script.usage?.input ?? text + sources * tokensPerImage;
  const output = script.usage?.output ?? images * tokensPerImage;
  const details = { text_tokens: text, image_tokens: input - text };
  return {
    usage: { input_tokens: input, output_tokens: output, total_tokens: input + output, input_tokens_details: details },
  };
}

function paintInSteps(errand: Errand, event: string): Stream {
  const partial = Number(errand.call.body["partial_images"] ?? 0);
  const b64 = imageOf(errand);
  const shown = { b64_json: b64, created_at: errand.createdSeconds, ...looks };
  const steps = Array.from({ length: isInteger(partial) ? partial : 0 }, (_, index) =>
    eventOf({ type: `${event}.partial_image`, ...shown, partial_image_index: index }),
  );
  const last = eventOf({ type: `${event}.completed`, ...shown, ...usageOf(errand, 1) });
  return { events: [...steps, last], failure: failureEvent };
}

/** An event that is called what its type says. */
export function eventOf(data: JsonObject): string {
  return `event: ${stringOf(data["type"])}\ndata: ${JSON.stringify(data)}\n\n`;
}

export function failureEvent(failure: Failure): string {
  return eventOf({ type: "error", ...openaiFailure(failure) });
}
