import { AppError } from "../../kernel/errors.ts";
import type { Caller } from "../../identity/index.ts";
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

/** Asked of the resolved target, so that no spelling of a name gets past the key's list. Throws `model_not_allowed`. */
export function admitModel(caller: Caller, { provider, model }: Target): void {
  if (caller.allowsModel(provider.id, model)) return;
  throw new AppError("model_not_allowed", { id: caller.keyId, model, allowed: (caller.models ?? []).join(", ") });
}
