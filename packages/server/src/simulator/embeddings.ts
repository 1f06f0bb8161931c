import { createHash } from "node:crypto";
import type { Failure } from "./failure.ts";
import { fieldFailure, invalid, invalidType, invalidValue, limitFailure, missing } from "./openai.ts";
import { tokensOf } from "./reply.ts";
import type { Errand, Product, Service } from "./vendor.ts";
import { isInteger, type JsonObject, stringOf } from "./wire.ts";

/** OpenAI's embeddings: https://platform.openai.com/docs/api-reference/embeddings */
export const embeddings: Service = {
  house: "openai",
  takes: "json",
  check: ({ body }) => fieldFailure(body, fields) ?? embeddingFailure(body),
  serve: embed,
};

const fields = new Set(["model", "input", "encoding_format", "dimensions", "user"]);
const mostInputs = 2048;

function embeddingFailure(body: JsonObject): Failure | undefined {
  const { input, encoding_format: format } = body;
  if (input === undefined) return missing("input");
  if (input === "" || (Array.isArray(input) && input.length === 0)) {
    return invalid("Invalid 'input': it must not be empty.", "input", "invalid_value");
  }
  if (inputsOf(input) === undefined) return invalidType("input", "a string, an array of strings or of integers");
  if (Array.isArray(input) && input.length > mostInputs && typeof input[0] === "string") {
    return invalid(
      `Invalid 'input': array too long. Expected at most ${mostInputs}.`,
      "input",
      "array_above_max_length",
    );
  }
  if (format !== undefined && format !== "float" && format !== "base64") {
    return invalidValue("encoding_format", format, ["float", "base64"]);
  }
  return limitFailure(body, "dimensions", 1);
}

/** The texts, or the lists of tokens, each as a text. */
function inputsOf(input: unknown): readonly string[] | undefined {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input)) return undefined;
  if (input.every((one) => typeof one === "string" && one !== "")) return input as readonly string[];
  if (input.every((one) => isInteger(one))) return [input.join(" ")];
  const lists = input.every((one) => Array.isArray(one) && one.every((token) => isInteger(token)));
  return lists ? input.map((one: readonly number[]) => one.join(" ")) : undefined;
}

function embed({ call: { body }, script }: Errand): Product {
  const inputs = inputsOf(body["input"]) ?? [];
  const dimensions = isInteger(body["dimensions"], 1) ? body["dimensions"] : 256;
  const isBase64 = body["encoding_format"] === "base64";
  const data = inputs.map((text, index) => {
    const vector = vectorOf(text, dimensions);
    const embedding = isBase64 ? Buffer.from(vector.buffer).toString("base64") : Array.from(vector);
    return { object: "embedding", index, embedding };
  });
  const prompt = script.usage?.input ?? inputs.reduce((sum, text) => sum + tokensOf(Buffer.byteLength(text)), 0);
  const usage =
    script.omit?.includes("usage") === true ? {} : { usage: { prompt_tokens: prompt, total_tokens: prompt } };
  return { json: { object: "list", data, model: stringOf(body["model"]), ...usage } };
}

/** A direction that the text alone decides, of length 1. */
function vectorOf(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (let at = 0; at < dimensions; at += 32) {
    const bytes = createHash("sha256").update(`${at}\n${text}`).digest();
    for (let index = 0; index < 32 && at + index < dimensions; index++)
      vector[at + index] = (bytes[index] ?? 0) - 127.5;
  }
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const moderationFields = new Set(["model", "input"]);
const categories = ["harassment", "hate", "illicit", "self-harm", "sexual", "violence"];

/** OpenAI's moderation: https://platform.openai.com/docs/api-reference/moderations. Here nothing but the word `violence` is flagged. */
export const moderations: Service = {
  house: "openai",
  takes: "json",
  check: ({ body }) =>
    fieldFailure(body, moderationFields) ?? (body["input"] === undefined ? missing("input") : undefined),
  serve({ call: { body }, nextId }) {
    const inputs = Array.isArray(body["input"]) ? body["input"] : [body["input"]];
    const results = inputs.map((input: unknown) => judgement(JSON.stringify(input)));
    return { json: { id: nextId("modr-", 29), model: body["model"], results } };
  },
};

function judgement(text: string): JsonObject {
  const flagged = text.includes("violence");
  const of = (value: (category: string) => unknown): JsonObject =>
    Object.fromEntries(categories.map((category) => [category, value(category)]));
  return {
    flagged,
    categories: of((category) => flagged && category === "violence"),
    category_scores: of((category) => (flagged && category === "violence" ? 0.98 : 0.0001)),
    category_applied_input_types: of(() => ["text"]),
  };
}
