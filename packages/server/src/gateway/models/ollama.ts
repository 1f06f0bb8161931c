import { createHash } from "node:crypto";
import { isoTime } from "../../kernel/clock.ts";
import type { ProviderModel } from "../../providers/index.ts";
import { releasedMs, type Listed } from "./listed.ts";
import type { ModelShape } from "./shape.ts";

/**
 * `GET /api/tags` and `POST /api/show`: https://docs.ollama.com/api/tags, https://docs.ollama.com/api-reference/show-model-details.
 * Clients want a name, a digest and details of every model; of what an engine alone can know, they get nothing, in the type they
 * expect. A name with a slash is left whole, since without its provider its first part could be taken for another's.
 */
export const ollamaModels: ModelShape = {
  dialect: "ollama",
  prefersBare: (model) => !model.includes("/"),
  one: ({ id, entry, isRoute }) => ({
    license: "",
    modelfile: "",
    parameters: "",
    template: "",
    details: detailsOf(entry, isRoute),
    model_info: {
      "general.architecture": entry.provider,
      "general.basename": entry.name,
      ...(entry.contextTokens !== undefined && { [`${entry.provider}.context_length`]: entry.contextTokens }),
    },
    capabilities: capabilitiesOf(entry),
    modified_at: isoTime(releasedMs(entry)),
    name: id,
  }),
  list: (listed) => ({ models: listed.map(tagOf) }),
};

function tagOf({ id, entry, isRoute }: Listed): object {
  return {
    name: id,
    model: id,
    modified_at: isoTime(releasedMs(entry)),
    size: 0,
    digest: createHash("sha256")
      .update(isRoute ? id : `${entry.provider}/${entry.model}`)
      .digest("hex"),
    details: detailsOf(entry, isRoute),
  };
}

/** What a route leads to is its parent. */
function detailsOf({ provider, model }: ProviderModel, isRoute: boolean): object {
  return {
    parent_model: isRoute ? `${provider}/${model}` : "",
    format: "",
    family: provider,
    families: [provider],
    parameter_size: "",
    quantization_level: "",
  };
}

/** Clients offer tools, pictures and thoughts only to models that have the word for it. */
function capabilitiesOf({ model, catalog }: ProviderModel): readonly string[] {
  if (/embed/i.test(model)) return ["embedding"];
  const { input = [], abilities = [] } = catalog ?? {};
  const words = { tools: abilities.includes("tool_call"), thinking: abilities.includes("reasoning") };
  const known = { completion: true, ...words, vision: input.includes("image") };
  return Object.entries(known).flatMap(([word, holds]) => (holds ? [word] : []));
}
