import { createAzureClient, textAt } from "../../external/index.ts";
import { SourceProblem, valueOf, type Reader, type ReaderParts } from "../reader.ts";

/** `azure:vault/secret/version#field`: Azure Key Vault. */
export function azureReader({ settings, environment, clock }: ReaderParts): Reader {
  const client = createAzureClient({ ...settings.azure, environment, clock, timeoutMs: settings.timeoutMs });
  return async (reference) => {
    const [vault = "", name = ""] = reference.place.split("/");
    const path = reference.version === undefined ? `secrets/${name}` : `secrets/${name}/${reference.version}`;
    const value = textAt(await client.get(vault, path), "value");
    if (value === undefined) throw new SourceProblem("it is empty", true);
    return valueOf(value, reference);
  };
}
