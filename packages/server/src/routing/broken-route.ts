import { AppError } from "../kernel/errors.ts";
import type { Providers } from "../providers/index.ts";
import { formatModelAt, type ModelAt, type Route } from "./route.ts";

/** A target of the route whose provider is not there: it was removed since, or the file names one that never was. */
export function findBrokenTarget(
  { destination }: Pick<Route, "destination">,
  providers: Pick<Providers, "get">,
): ModelAt | undefined {
  const targets = destination.kind === "target" ? [destination.target] : Object.values(destination.tiers);
  return targets.find((at: ModelAt | undefined) => at !== undefined && providers.get(at.provider) === undefined);
}

export function routeBroken({ name }: Pick<Route, "name">, target: ModelAt): AppError {
  return new AppError("route_broken", { route: name, target: formatModelAt(target), provider: target.provider });
}
