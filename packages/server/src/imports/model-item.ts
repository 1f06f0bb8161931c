import { isDeepStrictEqual } from "node:util";
import type { ModelItem } from "./item.ts";
import { Refused, type Plan } from "./plan.ts";
import { findProvider } from "./provider-place.ts";
import type { Run } from "./run.ts";

/** A model is known by its name at its provider. One that has another price here keeps it. */
export function planModel(item: ModelItem, run: Run): Plan {
  const { providers, plannedProviders, plannedModels } = run;
  const { model } = item;
  const { id, live } = findProvider(item, providers, plannedProviders);
  const name = `${id}/${model.model}`;
  if (plannedModels.has(name)) return { present: name };
  const known = live && providers.models.lookup(id, model.model);
  if (known !== undefined) {
    const isSame = model.price === undefined || isDeepStrictEqual({ ...model.price }, { ...known.price });
    if (isSame) return { present: known.id };
    if (known.source !== "catalog") throw new Refused("skipped", "it has other prices here, which stay");
  }
  return {
    apply: async () => ({ target: (await providers.models.add(id, model)).id }),
    foresee: () => void plannedModels.add(name),
    ...(known === undefined ? {} : { reason: "its prices take the place of the catalog's" }),
  };
}

export function isModelThere(item: ModelItem, { providers, plannedProviders }: Run): boolean {
  const { id } = findProvider(item, providers, plannedProviders);
  return providers.models.lookup(id, item.model.model) !== undefined;
}
