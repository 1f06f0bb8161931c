import { AppError } from "../../kernel/errors.ts";
import type { Caller } from "../../identity/index.ts";
import type { Provider, ProviderModel, Providers } from "../../providers/index.ts";

export interface ModelListParts {
  readonly providers: Providers;
  readonly isUsable: (provider: Provider) => boolean;
}

/** A model that a caller may use. */
export interface Listed {
  /** What a caller asks for: `provider/model`, or the bare id. */
  readonly id: string;
  readonly entry: ProviderModel;
}

/**
 * What this caller may use now, from providers that can be called. Every model is listed as `provider/model`, but for those
 * that `prefersBare` picks: they get their bare id where no other provider serves the same one.
 */
export function modelsFor(
  caller: Caller,
  parts: ModelListParts,
  prefersBare: (model: string) => boolean = () => false,
): readonly Listed[] {
  const usable = parts.providers.list().filter(parts.isUsable);
  const ids = new Set(usable.map((provider) => provider.id));
  const isOnly = (model: string): boolean =>
    parts.providers.models.providersOf(model).filter((id) => ids.has(id)).length === 1;
  return usable
    .flatMap((provider) => parts.providers.models.list(provider.id))
    .filter((entry) => caller.allowsModel(entry.provider, entry.model))
    .map((entry) => {
      const alone = prefersBare(entry.model) && isOnly(entry.model);
      return { id: alone ? entry.model : `${entry.provider}/${entry.model}`, entry };
    });
}

/** As for a request: `provider/model` first, then the bare id, which may have slashes of its own. Throws `model_not_found`. */
export function findListed(listed: readonly Listed[], id: string): Listed {
  const found =
    listed.find(({ entry }) => `${entry.provider}/${entry.model}` === id) ??
    listed.find(({ entry }) => entry.model === id);
  if (found === undefined) throw new AppError("model_not_found", { model: id });
  return found;
}

/** When the model was published; 0 where that is not known. Milliseconds since 1970. */
export function releasedMs(entry: ProviderModel): number {
  const parsed = Date.parse(entry.catalog?.released ?? "");
  return Number.isNaN(parsed) ? 0 : parsed;
}
