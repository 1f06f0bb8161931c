import { AppError } from "../../kernel/errors.ts";
import type { Loss } from "../canonical/loss.ts";

const mostNamed = 5;

/** What the caller of a route without losses is told; undefined where nothing is lost but hints. */
export function lossyRefusal(losses: readonly Loss[]): AppError | undefined {
  const lost = losses.filter(({ kind }) => kind !== "hint");
  if (lost.length === 0) return undefined;
  const named = lost.slice(0, mostNamed).map(({ path, why }) => `\`${path}\` (${why})`);
  const more = lost.length > mostNamed ? `, and ${lost.length - mostNamed} more` : "";
  return new AppError("translation_lossy", { losses: named.join(", ") + more });
}
