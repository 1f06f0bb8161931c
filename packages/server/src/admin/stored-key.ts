import type { Secret } from "../kernel/secret.ts";
import type { Provider } from "../providers/index.ts";
import type { AdminParts } from "./parts.ts";

/** The key that the next request to the provider would use; `undefined` if there is none. Throws `vault_sealed`. */
export async function openKey(
  provider: Provider,
  { providers: { credentials } }: AdminParts,
): Promise<Secret | undefined> {
  const chosen = credentials.choose(provider.id);
  return chosen === undefined ? undefined : credentials.open(chosen, provider.origin);
}
