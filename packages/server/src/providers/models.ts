import { findModel, modelsNamed, modelsOf, traitsOf } from "../catalog/index.ts";
import type { DialectId } from "../dialects/index.ts";
import type { ModelTraits } from "../kernel/model-traits.ts";
import { createModelChanges, parseModel, type ModelsParts } from "./model-changes.ts";
import type { Declared } from "./live-set.ts";
import { fromModelRow, merge, type OwnModel, type OwnModels, type ProviderModel } from "./provider-model.ts";
import { createReload } from "./reload.ts";

export type Models = Awaited<ReturnType<typeof createModels>>;

/**
 * The models of the providers. Those beyond the catalog are held in memory. A model of the file or of the user's own
 * may have the id of one in the catalog; its price and limits then take the place of the catalog's.
 */
export async function createModels(parts: ModelsParts) {
  let fromFile = declaredModels(parts.declared);
  let fromTable: readonly OwnModel[] = [];
  let own: OwnModels = new Map();

  function rebuild(): void {
    const groups = Map.groupBy([...fromTable, ...fromFile], (model) => model.provider);
    own = new Map([...groups].map(([id, group]) => [id, new Map(group.map((model) => [model.model, model]))]));
  }

  const refresh = createReload(
    () => parts.db.kysely.selectFrom("provider_models").selectAll().execute(),
    (rows) => {
      fromTable = rows.map(fromModelRow);
      rebuild();
    },
  );
  await refresh();
  return {
    refresh,
    /** Checks another declaration, throwing `invalid_request`; what it returns puts that in force and cannot fail. */
    redeclare: (next: Declared): (() => void) => {
      const prepared = declaredModels(next);
      return () => {
        fromFile = prepared;
        rebuild();
      };
    },
    ...createLookups(parts, () => own),
    ...createModelChanges(parts, () => own, refresh),
  };
}

function createLookups({ live }: ModelsParts, own: () => OwnModels) {
  /** `undefined` for a model that neither the catalog nor anyone here has named; it may exist all the same. */
  const lookup = (providerId: string, model: string): ProviderModel | undefined =>
    merge(own().get(providerId)?.get(model), findModel(providerId, model));

  return {
    lookup,

    /** How the model wants to be asked. What the user said of its limits wins over the catalog. */
    traitsOf(provider: string, dialect: DialectId, model: string): ModelTraits {
      const known = lookup(provider, model);
      const traits = traitsOf({ provider, dialect, model, catalog: known?.catalog });
      const { maxOutputTokens = traits.maxOutputTokens, contextTokens = traits.contextTokens } = known ?? {};
      if (maxOutputTokens === traits.maxOutputTokens && contextTokens === traits.contextTokens) return traits;
      return { ...traits, maxOutputTokens, contextTokens };
    },

    /** Sorted by model. Throws `not_found` for an unknown provider. */
    list: (providerId: string): readonly ProviderModel[] => {
      const { id } = live.require(providerId);
      const names = new Set([...modelsOf(id).keys(), ...(own().get(id)?.keys() ?? [])]);
      return [...names].toSorted().flatMap((model) => lookup(id, model) ?? []);
    },

    /** The ids of the providers that serve a model of exactly this id, sorted. */
    providersOf: (model: string): readonly string[] => {
      const found = new Set(modelsNamed(model).map((entry) => entry.provider));
      for (const [provider, models] of own()) if (models.has(model)) found.add(provider);
      return [...found].filter((provider) => live.get(provider) !== undefined).toSorted();
    },
  };
}

/** Throws `invalid_request` for a model that cannot be. */
function declaredModels({ providers }: Declared): readonly OwnModel[] {
  return providers.flatMap(({ id: provider, models = [] }) =>
    models.map((asked): OwnModel => {
      const { model, name, price, contextTokens, maxOutputTokens } = parseModel(asked);
      const known = { provider, model, name, price, contextTokens, maxOutputTokens };
      return { ...known, id: `${provider}/${model}`, source: "declared", createdAt: undefined };
    }),
  );
}
