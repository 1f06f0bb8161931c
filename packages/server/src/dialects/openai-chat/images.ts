import { noMedia, noTokens, type TokenUsage } from "../../kernel/tokens.ts";
import { counter } from "../counter.ts";
import type { UsageReader } from "../dialect.ts";
import { openaiTokens, type UsageNames } from "../openai-tokens.ts";
import { createEventReader, createStatedReader, partOf } from "./stated.ts";

const names: UsageNames = {
  input: "input_tokens",
  inputDetails: "input_tokens_details",
  output: "output_tokens",
  outputDetails: "output_tokens_details",
};

/** Models that are charged by the image state no tokens. Where no details say otherwise, all that was put out is images. */
function imageTokens(usage: unknown, images: number): TokenUsage | undefined {
  const stated = openaiTokens(usage, names);
  if (stated === undefined && images === 0) return undefined;
  const tokens = stated ?? noTokens;
  const inputImage = partOf(tokens.input, counter(usage, names.inputDetails, "image_tokens"));
  const outputImage = partOf(tokens.output, counter(usage, names.outputDetails, "image_tokens") ?? tokens.output);
  return { ...tokens, media: { ...noMedia, inputImage, outputImage, images } };
}

/** An image is given under one of these; some servers write the other with `null` beside it. */
const imageKeys = ["b64_json", "url"];

/**
 * Images are too large to be held, so they are counted by their keys as they go by; inside a JSON string, a key's quotes
 * would be escaped. https://platform.openai.com/docs/api-reference/images/object
 */
export function createImagesReader(): UsageReader {
  const counts = imageKeys.map(createKeyCount);
  const reader = createStatedReader(["usage"], (member) =>
    imageTokens(member("usage"), Math.max(...counts.map(({ found }) => found()))),
  );
  return {
    push(chunk) {
      for (const count of counts) count.push(chunk);
      reader.push(chunk);
    },
    end: () => reader.end(),
  };
}

/** Counts how often a key stands in a document. */
function createKeyCount(key: string): { push(chunk: Buffer): void; found(): number } {
  const pattern = Buffer.from(`"${key}"`);
  let rest: Buffer = Buffer.alloc(0); // what may be the beginning of one
  let count = 0;
  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + pattern.length)) count++;
      rest = Buffer.from(bytes.subarray(Math.max(0, bytes.length - pattern.length + 1)));
    },
    found: () => count,
  };
}

/** Every image that is done says so in an event of its own; the usage is that of the last. */
export function createImageEventReader(): UsageReader {
  let images = 0;
  return createEventReader({
    ending: ".completed",
    tokens: (usage) => imageTokens(usage, ++images),
    deltasAreText: false,
  });
}
