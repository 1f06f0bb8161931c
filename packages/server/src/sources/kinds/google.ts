import { createGoogleClient, textAt } from "../../external/index.ts";
import { SourceProblem, valueOf, type Reader, type ReaderParts } from "../reader.ts";

/** `gcp:projects/…/secrets/…/versions/…#field`, or the secret's name alone: Google Secret Manager. */
export function googleReader({ settings, environment, clock }: ReaderParts): Reader {
  const client = createGoogleClient({ ...settings.gcp, environment, clock, timeoutMs: settings.timeoutMs });
  return async (reference) => {
    const { place, version = "latest" } = reference;
    const name = place.includes("/") ? place : `projects/${await client.project()}/secrets/${place}`;
    const data = textAt(await client.get(`${name}/versions/${version}:access`), "payload", "data");
    if (data === undefined) throw new SourceProblem("it is empty", true);
    return valueOf(Buffer.from(data, "base64").toString("utf8"), reference);
  };
}
