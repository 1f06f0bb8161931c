import type { Conversation, JsonObject, Sampling } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { optionalNumber, present, textsAt } from "../canonical/wire.ts";

/** How the engine runs the model; what it answers is not another for it. */
const engineOptions = new Set([
  "num_ctx",
  "num_keep",
  "num_batch",
  "num_gpu",
  "main_gpu",
  "num_thread",
  "use_mmap",
  "use_mlock",
  "low_vram",
  "numa",
  "f16_kv",
  "logits_all",
  "vocab_only",
]);

type Options = Pick<Conversation, "maxOutputTokens" | "sampling" | "stop">;

/** https://docs.ollama.com/modelfile, as far as others know such options too. */
export function decodeOptions(options: JsonObject = {}, losses: Losses): Options {
  const { num_predict, stop, temperature, top_p, top_k, seed, presence_penalty, frequency_penalty, ...rest } = options;
  const number = (value: unknown, name: string): number | undefined => optionalNumber(value, `options.${name}`);
  const sampling: Sampling = present({
    temperature: number(temperature, "temperature"),
    topP: number(top_p, "top_p"),
    topK: above(0, number(top_k, "top_k")),
    seed: above(-1, number(seed, "seed")),
    presencePenalty: number(presence_penalty, "presence_penalty"),
    frequencyPenalty: number(frequency_penalty, "frequency_penalty"),
  });
  noteRest(rest, losses);
  return present({
    maxOutputTokens: above(0, number(num_predict, "num_predict")),
    sampling,
    stop: textsAt(stop, "options.stop").filter((text) => text !== ""),
  });
}

/** A whole number; none of 0 and less, which mean that there is no limit, or (of a seed) any. */
function above(least: number, value: number | undefined): number | undefined {
  return value === undefined || value <= least ? undefined : Math.trunc(value);
}

function noteRest(options: JsonObject, losses: Losses): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === null) continue;
    if (engineOptions.has(name)) losses.hint(`options.${name}`, "only an Ollama engine is run so");
    else losses.dropped(`options.${name}`, "only Ollama has it");
  }
}
