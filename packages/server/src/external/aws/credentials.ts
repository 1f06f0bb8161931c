import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { fromContainer } from "./container.ts";
import { fromInstance } from "./instance.ts";
import type { AwsCredentials, AwsOptions } from "./options.ts";
import type { Profiles } from "./profiles.ts";
import { fromWebIdentity, webIdentityIn } from "./web-identity.ts";

/*
 * Credentials as AWS's own tools find them: the first of these that is there decides, and if it fails, the search ends
 * with its error, so that nobody silently acts as someone else. What was found is kept until 5 minutes before its end; if it
 * cannot be replaced then, it is used to its end.
 */

type Finder = (options: AwsOptions, profiles: Profiles) => Promise<AwsCredentials | undefined>;

const finders: readonly Finder[] = [fromEnvironment, fromWebIdentity, fromProfile, fromContainer, fromInstance];

const renewBeforeMs = 300_000;

export function createAwsCredentials(
  options: AwsOptions,
  profiles: Profiles,
): { readonly get: () => Promise<AwsCredentials>; drop(credentials: AwsCredentials): void } {
  const { clock } = options;
  let found: AwsCredentials | undefined;
  let under: Promise<AwsCredentials> | undefined;
  const lasts = (leftMs: number): boolean =>
    found !== undefined && (found.expiresAt === undefined || clock.now() < found.expiresAt - leftMs);

  async function search(): Promise<AwsCredentials> {
    try {
      found = await find(options, profiles);
    } catch (error) {
      if (found === undefined || !lasts(0)) throw error;
    }
    return found;
  }

  return {
    async get() {
      if (found !== undefined && lasts(renewBeforeMs)) return found;
      under ??= search().finally(() => (under = undefined));
      return under;
    },
    drop(credentials) {
      if (found === credentials) found = undefined;
    },
  };
}

async function find(options: AwsOptions, profiles: Profiles): Promise<AwsCredentials> {
  for (const finder of finders) {
    const credentials = await finder(options, profiles);
    if (credentials !== undefined) return credentials;
  }
  throw new AppError("external_unconfigured", {
    problem: "there are no AWS credentials: none in the environment, in a profile, of a container or of an instance",
    advice: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role",
  });
}

async function fromEnvironment({
  environment: { texts, secrets },
  profile,
}: AwsOptions): Promise<AwsCredentials | undefined> {
  const accessKeyId = texts["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = secrets.get("AWS_SECRET_ACCESS_KEY");
  if (accessKeyId === undefined || secretAccessKey === undefined || profile !== undefined) return undefined;
  const sessionToken = secrets.get("AWS_SESSION_TOKEN");
  return { accessKeyId, secretAccessKey, sessionToken, expiresAt: undefined };
}

async function fromProfile(options: AwsOptions, profiles: Profiles): Promise<AwsCredentials | undefined> {
  const settings = await profiles.read();
  const { aws_access_key_id: id, aws_secret_access_key: key, aws_session_token: token } = settings;
  if (id !== undefined && key !== undefined) {
    const sessionToken = token === undefined ? undefined : new Secret(token);
    return { accessKeyId: id, secretAccessKey: new Secret(key), sessionToken, expiresAt: undefined };
  }
  const identity = webIdentityIn(settings);
  if (identity !== undefined) return fromWebIdentity(options, profiles, identity);
  const way = ["role_arn", "credential_process", "sso_session", "sso_start_url"].find((name) => name in settings);
  if (way === undefined) return undefined;
  throw new AppError("external_unconfigured", {
    problem: `the AWS profile ${profiles.name} gets its credentials by \`${way}\`, which is not supported here`,
    advice: "use a profile with keys or with `web_identity_token_file`, or the role of the container or instance",
  });
}
