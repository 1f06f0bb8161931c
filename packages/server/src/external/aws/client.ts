import { AppError } from "../../kernel/errors.ts";
import { jsonBytes, type JsonBody } from "../encoding.ts";
import { parsedReply, statusFailure } from "../failure.ts";
import { createHttpCaller, requireUrl, type HttpReply } from "../http.ts";
import { at } from "../json-path.ts";
import { createAwsCredentials } from "./credentials.ts";
import type { AwsClient, AwsCredentials, AwsOptions } from "./options.ts";
import { createProfiles } from "./profiles.ts";
import { findRegion, serviceEndpoint } from "./places.ts";
import { signedHeaders } from "./signature.ts";

/** A client of the AWS services that speak JSON 1.1 (Secrets Manager, KMS). */
export function createAwsClient(options: AwsOptions): AwsClient {
  const http = createHttpCaller(options);
  const profiles = createProfiles(options);
  const found = createAwsCredentials(options, profiles);
  const credentials = options.credentials ?? found.get;

  async function send(service: string, target: string, body: JsonBody, by: AwsCredentials): Promise<HttpReply> {
    const region = await findRegion(options, profiles);
    const url = requireUrl(serviceEndpoint(service, region, options), target);
    const bytes = jsonBytes(body);
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
    const request = { method: "POST", url, headers, body: bytes };
    const scope = { region, service, credentials: by, nowMs: options.clock.now() };
    return http({ ...request, method: "POST", url: url.href, headers: signedHeaders(request, scope), what: target });
  }

  return {
    async call(service, target, body) {
      const present = await credentials();
      let reply = await send(service, target, body, present);
      if (isOver(errorType(reply)) && options.credentials === undefined) {
        found.drop(present);
        reply = await send(service, target, body, await credentials());
      }
      const host = `${service} of AWS`;
      if (reply.status !== 200) throw awsFailure(host, target, reply);
      return parsedReply({ host, what: target }, reply);
    },
  };
}

/** What the error is called: `ResourceNotFoundException`. */
function errorType({ status, text }: HttpReply): string | undefined {
  if (status === 200) return undefined;
  try {
    const type = at(JSON.parse(text) as unknown, "__type");
    return typeof type === "string" ? type.slice(type.lastIndexOf("#") + 1) : undefined;
  } catch {
    return undefined; // a page of something in between
  }
}

/** Credentials that were replaced before their time. */
function isOver(type: string | undefined): boolean {
  return type === "ExpiredTokenException" || type === "UnrecognizedClientException";
}

/** Most errors come with status 400: their type says what they are. */
function awsFailure(host: string, what: string, reply: HttpReply): AppError {
  const type = errorType(reply) ?? "";
  const values = { host, what, status: reply.status, reason: `, ${type}` };
  if (
    /^(AccessDenied|UnrecognizedClient|ExpiredToken|InvalidSignature|IncompleteSignature|MissingAuth|InvalidClientToken|NotAuthorized)\w{0,40}$/.test(
      type,
    )
  ) {
    return new AppError("external_refused", values);
  }
  if (/^(Resource)?NotFoundException$/.test(type)) return new AppError("external_not_found", values);
  return statusFailure({ host, what }, reply, type);
}
