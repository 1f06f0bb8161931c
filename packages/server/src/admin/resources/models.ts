import type { endpoints, HandlersOf, Model } from "@portcullis/contract";
import { combinePrices, encodePrice } from "../../catalog/index.ts";
import { AppError } from "../../kernel/errors.ts";
import { fetchModels, type ProviderModel } from "../../providers/index.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";
import { openKey } from "../stored-key.ts";

export function modelHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["models"], Call> {
  const { providers, httpGet } = parts;
  const { models, credentials } = providers;
  return {
    list: async ({ params }) => models.list(params.id).map(describeModel),
    create: async ({ params, input }) => {
      const added = await models.add(params.id, {
        model: input.name,
        name: input.display_name,
        contextTokens: input.context_tokens,
        maxOutputTokens: input.max_output_tokens,
        price: combinePrices(input.price_micros_per_mtok, input.price_micros_per_unit),
      });
      return describeModel(added);
    },
    remove: async ({ params }) => {
      await models.remove(params.model_id);
      return undefined;
    },
    refresh: async ({ params }) => {
      const provider = providers.require(params.id);
      const before = new Set(models.list(provider.id).map((model) => model.model));
      const listed = await fetchModels(provider, await openKey(provider, parts), httpGet);
      if (!listed.ok) throw new AppError("provider_test_failed", { problem: listed.error });
      await models.replaceRefreshed(provider.id, listed.models);
      const after = new Set(models.list(provider.id).map((model) => model.model));
      return { added: after.difference(before).size, removed: before.difference(after).size, total: after.size };
    },
    canonical: async () =>
      providers
        .list()
        .filter((provider) => credentials.hasUsable(provider.id))
        .flatMap((provider) => models.list(provider.id).map((model) => `${provider.id}/${model.model}`)),
  };
}

export function describeModel(model: ProviderModel): Model {
  const price = model.price && encodePrice(model.price);
  return {
    id: model.id,
    provider_id: model.provider,
    name: model.model,
    display_name: model.name,
    source: model.source,
    price_micros_per_mtok: price ?? null,
    price_micros_per_unit: price?.units ?? null,
    context_tokens: model.contextTokens ?? null,
    max_output_tokens: model.maxOutputTokens ?? null,
    created_at: null,
  };
}
