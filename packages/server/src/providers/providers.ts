import type { Clock } from "../kernel/clock.ts";
import type { Secret } from "../kernel/secret.ts";
import { createCredentials, type Credentials, type CredentialsParts } from "./credentials.ts";
import { createLiveSet, type Declared, type LiveSetParts } from "./live-set.ts";
import { createModels, type Models } from "./models.ts";
import { createRegistry, type Registry } from "./registry.ts";

export interface ProvidersParts extends LiveSetParts, Pick<CredentialsParts, "vault" | "environment" | "sources"> {
  readonly clock: Clock;
}

/** The providers of this gateway, their models and their API keys. */
export interface Providers extends Registry {
  readonly models: Models;
  readonly credentials: Credentials;
  /** Reads everything again, for changes that another instance made. */
  refresh(): Promise<void>;
  /**
   * Checks what the file declares now, with the keys that come with it, against all rules; throws `invalid_request`. What
   * it returns puts both in force in one step and cannot fail. Requests under way keep what they chose.
   */
  redeclare(declared: Declared, environment: ReadonlyMap<string, Secret>): () => void;
}

export async function createProviders(given: ProvidersParts): Promise<Providers> {
  const environment = new Map(given.environment);
  const parts = { ...given, environment };
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
    redeclare: (declared, keys) => {
      const steps = [models.redeclare(declared), live.redeclare(declared)];
      return () => {
        environment.clear();
        for (const [name, key] of keys) environment.set(name, key);
        for (const step of steps) step();
      };
    },
  };
}
