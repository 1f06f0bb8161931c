import { AppError } from "../../kernel/errors.ts";
import type { AwsOptions } from "./options.ts";
import type { Profiles } from "./profiles.ts";

/** Throws `external_unconfigured`. */
export async function findRegion(options: AwsOptions, profiles: Profiles): Promise<string> {
  const region = await regionIfAny(options, profiles);
  if (region !== undefined) return region;
  throw new AppError("external_unconfigured", {
    problem: "no AWS region is set",
    advice: "set it in portcullis.yaml, as AWS_REGION, or in the profile",
  });
}

export async function regionIfAny(
  { region, environment }: AwsOptions,
  profiles: Profiles,
): Promise<string | undefined> {
  const { texts } = environment;
  const found = region ?? texts["AWS_REGION"] ?? texts["AWS_DEFAULT_REGION"] ?? (await profiles.read())["region"];
  if (found === undefined || /^[a-z0-9-]{1,40}$/.test(found)) return found;
  throw new AppError("external_unconfigured", {
    problem: `\`${found}\` is no AWS region`,
    advice: "a region looks like eu-central-1",
  });
}

/** Where a service answers; AWS's own variables for other places count (AWS_ENDPOINT_URL_SECRETS_MANAGER). */
export function serviceEndpoint(
  service: string,
  region: string | undefined,
  { endpoint, environment }: AwsOptions,
): string {
  const { texts } = environment;
  const name = service === "secretsmanager" ? "SECRETS_MANAGER" : service.toUpperCase();
  const elsewhere = endpoint ?? texts[`AWS_ENDPOINT_URL_${name}`] ?? texts["AWS_ENDPOINT_URL"];
  if (elsewhere !== undefined) return elsewhere;
  const suffix = region?.startsWith("cn-") === true ? "amazonaws.com.cn" : "amazonaws.com";
  return region === undefined ? `https://${service}.amazonaws.com` : `https://${service}.${region}.${suffix}`;
}
