import type { Clock } from "../kernel/clock.ts";
import { createCredentials, type Credentials, type CredentialsParts } from "./credentials.ts";
import { createLiveSet, type LiveSetParts } from "./live-set.ts";
import { createModels, type Models } from "./models.ts";
import { createRegistry, type Registry } from "./registry.ts";

export interface ProvidersParts extends LiveSetParts, Pick<CredentialsParts, "vault" | "environment"> {
  readonly clock: Clock;
}

/** The providers of this gateway, their models and their API keys. */
export interface Providers extends Registry {
  readonly models: Models;
  readonly credentials: Credentials;
  /** Reads everything again, for changes that another instance made. */
  refresh(): Promise<void>;
}

export async function createProviders(parts: ProvidersParts): Promise<Providers> {
  const live = createLiveSet(parts);
  await live.refresh();
  const credentials = await createCredentials({ ...parts, live });
  const models = await createModels({ ...parts, live });
  return {
    ...createRegistry({ ...parts, live, credentials, models }),
    models,
    credentials,
    refresh: async () => {
      await live.refresh();
      await credentials.refresh();
      await models.refresh();
    },
  };
}
