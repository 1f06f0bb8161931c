import { dialects, type DialectId } from "../dialects/index.ts";
import { AppError } from "../kernel/errors.ts";
import type { Provider, Providers } from "../providers/index.ts";
import type { Target } from "./target.ts";

interface AdviceParts {
  readonly providers: Pick<Providers, "get" | "models">;
  readonly isUsable: (provider: Provider) => boolean;
}

/**
 * For a request that cannot be translated: `translation_needed`, which says what the target's provider takes, and who would
 * serve the model directly.
 */
export function translationNeeded({ provider, model }: Target, dialect: DialectId, parts: AdviceParts): AppError {
  const spoken = dialects.filter((candidate) => provider.endpoints[candidate.id] !== undefined);
  const direct = servedDirectly(provider, model, dialect, parts);
  const paths = spoken.flatMap((candidate) => candidate.routes[0]?.path ?? []).join(" or ");
  const other = direct === undefined ? "" : `, or ask for \`${direct}\`, which is served directly`;
  const name = dialects.find((candidate) => candidate.id === dialect)?.name ?? dialect;
  return new AppError("translation_needed", {
    model,
    provider: provider.name,
    dialect: name,
    advice: `send it to ${paths}${other}`,
  });
}

/**
 * The model as `provider/model` at a provider that takes the dialect, and can be called if any of them can. Resellers have
 * it under the first provider's name too.
 */
function servedDirectly(asked: Provider, model: string, dialect: DialectId, parts: AdviceParts): string | undefined {
  const serving = [model, `${asked.id}/${model}`].flatMap((name) =>
    parts.providers.models
      .providersOf(name)
      .flatMap((id) => parts.providers.get(id) ?? [])
      .filter((provider) => provider.endpoints[dialect] !== undefined)
      .map((provider) => ({ provider, name: `${provider.id}/${name}` })),
  );
  return (serving.find(({ provider }) => parts.isUsable(provider)) ?? serving[0])?.name;
}
