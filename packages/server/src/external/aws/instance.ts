import type { HeaderValues } from "../encoding.ts";
import { parsedReply, statusFailure } from "../failure.ts";
import { createHttpCaller, requireUrl, type HttpReply, type HttpRequest } from "../http.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { grantedCredentials } from "./granted.ts";
import type { AwsCredentials, AwsOptions } from "./options.ts";

const what = "the credentials of the instance's role";

/**
 * The role of an EC2 instance, from its metadata server, version 2 of the protocol only. Where there is none, nothing
 * answers, or something that knows no tokens: that is no instance, and not an error.
 */
export async function fromInstance(options: AwsOptions): Promise<AwsCredentials | undefined> {
  const { texts } = options.environment;
  if (texts["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true") return undefined;
  const base = (texts["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254").replace(/\/+$/, "");
  const { host } = requireUrl(base, what);
  const http = createHttpCaller({ ...options, timeoutMs: Math.min(options.timeoutMs ?? 1_000, 1_000) });
  const ask = (method: HttpRequest["method"], path: string, headers: HeaderValues): Promise<HttpReply> =>
    http({ url: `${base}/latest/${path}`, method, headers, what });

  const session = await ask("PUT", "api/token", { "x-aws-ec2-metadata-token-ttl-seconds": "21600" }).catch(absent);
  if (session?.status !== 200) return undefined;
  const headers = { "x-aws-ec2-metadata-token": new Secret(session.text.trim()) };
  const roles = await ask("GET", "meta-data/iam/security-credentials/", headers);
  if (roles.status === 404) return undefined;
  if (roles.status !== 200) throw statusFailure({ host, what }, roles);
  const role = encodeURIComponent(roles.text.trim().split("\n")[0] ?? "");
  const reply = await ask("GET", `meta-data/iam/security-credentials/${role}`, headers);
  if (reply.status !== 200) throw statusFailure({ host, what }, reply);
  return grantedCredentials(parsedReply({ host, what }, reply), host, what);
}

function absent(error: unknown): undefined {
  if (error instanceof AppError && error.code.startsWith("external_")) return undefined;
  throw error;
}
