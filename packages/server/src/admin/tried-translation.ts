import { dialectById, lossyRefusal, translateRequest, type DialectId, type Loss } from "../dialects/index.ts";
import { asAppError, type AppError } from "../kernel/errors.ts";
import type { Target } from "../routing/index.ts";
import type { AdminParts } from "./parts.ts";

export interface TriedTranslation {
  readonly losses: readonly Loss[] | null;
  /** What the caller of such a request would be told. */
  readonly problem: AppError | undefined;
}

export const untranslated: TriedTranslation = { losses: null, problem: undefined };

/** Translates a request as the gateway would, to see what comes of it, and sends it nowhere. */
export function tryTranslation(
  request: Readonly<Record<string, unknown>>,
  from: DialectId,
  target: Target | undefined,
  { providers }: AdminParts,
): TriedTranslation {
  const path = dialectById(from).routes.find(({ topic }) => topic === "conversation")?.path;
  if (target === undefined || target.dialect === from || path === undefined) return untranslated;
  const { provider, model, dialect, lossy } = target;
  try {
    const { losses } = translateRequest({
      body: Buffer.from(JSON.stringify(request)),
      from,
      to: dialect,
      stream: request["stream"] === true,
      path,
      count: false,
      target: {
        provider: provider.id,
        model,
        traits: providers.models.traitsOf(provider.id, dialect, model),
        asksForUsage: provider.quirks.streamUsage === "on_request",
        rules: provider.quirks,
      },
      sealKey: new Uint8Array(32), // opens nothing: states cannot get lost here
      remembered: new Map(),
      items: new Map(),
    });
    return { losses, problem: lossy === "deny" ? lossyRefusal(losses) : undefined };
  } catch (thrown) {
    return { losses: null, problem: asAppError(thrown) };
  }
}
