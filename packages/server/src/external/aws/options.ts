import type { Clock } from "../../kernel/clock.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { ExternalEnvironment } from "../environment.ts";
import type { HttpLimits } from "../http.ts";
import type { JsonBody } from "../encoding.ts";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
  /** When they end, in milliseconds of wall time; `undefined` if never. */
  readonly expiresAt: number | undefined;
}

export interface AwsOptions extends HttpLimits {
  /** Without one: AWS_REGION, AWS_DEFAULT_REGION, or the profile's. */
  readonly region?: string | undefined;
  /** Replaces `https://{service}.{region}.amazonaws.com`. Plain http only to an address that is not public. */
  readonly endpoint?: string | undefined;
  /** The profile of the shared files, if not AWS_PROFILE or `default`. */
  readonly profile?: string | undefined;
  /** Without them, they are found as AWS's own tools find them. */
  readonly credentials?: (() => Promise<AwsCredentials>) | undefined;
  /** The AWS_* variables. */
  readonly environment: ExternalEnvironment;
  /** Where `~` is: `~/.aws/credentials`, `~/.aws/config`. */
  readonly userHome: string;
  readonly clock: Clock;
}

export interface AwsClient {
  /**
   * Calls a service that speaks JSON 1.1: `call("kms", "TrentService.Decrypt", {…})`,
   * `call("secretsmanager", "secretsmanager.GetSecretValue", {…})`. Throws `external_unreachable`, `external_timeout`,
   * `external_refused`, `external_not_found`, `external_failed`, `external_unreadable`, `external_unconfigured`.
   */
  call(service: string, target: string, body: JsonBody): Promise<unknown>;
}
