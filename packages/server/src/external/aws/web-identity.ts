import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { formBytes } from "../encoding.ts";
import { statusFailure } from "../failure.ts";
import { readHeldSecret } from "../held-file.ts";
import { createHttpCaller, requireUrl } from "../http.ts";
import type { AwsCredentials, AwsOptions } from "./options.ts";
import { regionIfAny, serviceEndpoint } from "./places.ts";
import type { Profiles } from "./profiles.ts";

/** A role that is taken with a token of somebody else's, such as that of a Kubernetes service account. */
export interface WebIdentity {
  readonly tokenFile: string;
  readonly roleArn: string;
  readonly sessionName: string | undefined;
}

export function webIdentityIn(settings: Readonly<Record<string, string>>): WebIdentity | undefined {
  const { web_identity_token_file: tokenFile, role_arn: roleArn, role_session_name: sessionName } = settings;
  return tokenFile === undefined || roleArn === undefined ? undefined : { tokenFile, roleArn, sessionName };
}

const what = "AssumeRoleWithWebIdentity";

/** Asks the token service (STS) for the role's credentials. */
export async function fromWebIdentity(
  options: AwsOptions,
  profiles: Profiles,
  identity: WebIdentity | undefined = identityOf(options),
): Promise<AwsCredentials | undefined> {
  if (identity === undefined) return undefined;
  const url = requireUrl(serviceEndpoint("sts", await regionIfAny(options, profiles), options), what);
  const body = formBytes({
    Action: what,
    Version: "2011-06-15",
    RoleArn: identity.roleArn,
    RoleSessionName: identity.sessionName ?? "portcullis",
    WebIdentityToken: await readHeldSecret(identity.tokenFile),
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const reply = await createHttpCaller(options)({ url: url.href, method: "POST", headers, body, what });
  if (reply.status !== 200) throw statusFailure({ host: url.host, what }, reply, element(reply.text, "Code"));
  return credentialsIn(reply.text, url.host);
}

function identityOf({ environment: { texts } }: AwsOptions): WebIdentity | undefined {
  const tokenFile = texts["AWS_WEB_IDENTITY_TOKEN_FILE"];
  const roleArn = texts["AWS_ROLE_ARN"];
  if (tokenFile === undefined || roleArn === undefined) return undefined;
  return { tokenFile, roleArn, sessionName: texts["AWS_ROLE_SESSION_NAME"] };
}

function credentialsIn(xml: string, host: string): AwsCredentials {
  const [id, key, token, end] = ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"].map((name) =>
    element(xml, name),
  );
  const expiresAt = Date.parse(end ?? "");
  if (id === undefined || key === undefined || token === undefined || Number.isNaN(expiresAt)) {
    throw new AppError("external_unreadable", { host, what, problem: "a part of the credentials is missing" });
  }
  return { accessKeyId: id, secretAccessKey: new Secret(key), sessionToken: new Secret(token), expiresAt };
}

/** The text of an element that has no attributes and nothing but text in it: the answers of STS have no others of these names. */
function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>\\s*([^<&]+?)\\s*</${name}>`).exec(xml)?.[1];
}
