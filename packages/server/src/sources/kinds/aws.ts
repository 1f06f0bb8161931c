import { createAwsClient, textAt, type AwsClient } from "../../external/index.ts";
import { SourceProblem, valueOf, type Reader, type ReaderParts } from "../reader.ts";

/** `aws:name#field`: AWS Secrets Manager. The name may be an ARN, which says the region too. */
export function awsReader(parts: ReaderParts): Reader {
  const { aws } = parts.settings;
  const clients = new Map<string, AwsClient>();
  const clientIn = (region: string | undefined): AwsClient => {
    const known = clients.get(region ?? "");
    if (known !== undefined) return known;
    const client = openAwsClient(parts, region);
    clients.set(region ?? "", client);
    return client;
  };
  return async (reference) => {
    const { place } = reference;
    const region = /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):/.exec(place)?.[1] ?? aws.region;
    const reply = await clientIn(region).call("secretsmanager", "secretsmanager.GetSecretValue", { SecretId: place });
    const text = textAt(reply, "SecretString");
    if (text !== undefined) return valueOf(text, reference);
    if (textAt(reply, "SecretBinary") === undefined) throw new SourceProblem("it is empty", true);
    throw new SourceProblem("it is binary, and only text can be used", false);
  };
}

type ClientParts = Pick<ReaderParts, "settings" | "environment" | "userHome" | "clock">;

/** A client of AWS as `sources.aws` says, in this region or in the one that is configured. */
export function openAwsClient(parts: ClientParts, region: string | undefined = parts.settings.aws.region): AwsClient {
  const { settings, environment, userHome, clock } = parts;
  return createAwsClient({ ...settings.aws, region, environment, userHome, clock, timeoutMs: settings.timeoutMs });
}
