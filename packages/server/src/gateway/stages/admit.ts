import { AppError } from "../../kernel/errors.ts";
import type { Caller } from "../../identity/index.ts";
import type { Providers } from "../../providers/index.ts";
import type { Target } from "../../routing/index.ts";

/** The service that the model routes are, among those a key may be limited to. */
const service = "chat";

/** Whether the caller may use these routes at all. Throws `service_not_allowed`, and `invalid_key` for a key of another kind. */
export function admitCaller(caller: Caller): void {
  if (caller.kind !== "caller") throw new AppError("invalid_key");
  if (caller.service !== null && caller.service !== service) {
    throw new AppError("service_not_allowed", { id: caller.keyId, service: caller.service });
  }
}

/**
 * Whether the caller may use the model, under whichever of its names the key's list has it. Asked of the resolved
 * target, so that no spelling of a name gets past the list. Throws `model_not_allowed`.
 */
export function admitModel(caller: Caller, target: Target, providers: Pick<Providers, "get">): void {
  if (caller.models === null || caller.allowsModel(namesOf(target.provider.id, target.model, providers))) return;
  throw new AppError("model_not_allowed", {
    id: caller.keyId,
    model: target.model,
    allowed: caller.models.join(", "),
  });
}

/**
 * The names that a key's list may have a model under: `provider/model`, and the bare id. The bare id does not count where
 * it reads as a model of another provider, as the ids of resellers do: a list that says `openai/*` means that provider,
 * and not what `openrouter` calls `openai/gpt-5`.
 */
export function namesOf(providerId: string, model: string, providers: Pick<Providers, "get">): readonly string[] {
  const full = `${providerId}/${model}`;
  const slash = model.indexOf("/");
  // Lists know no letter case, so neither does this.
  const isForeign = slash > 0 && providers.get(model.slice(0, slash).toLowerCase()) !== undefined;
  return isForeign ? [full] : [full, model];
}
