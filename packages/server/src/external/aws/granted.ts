import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { textAt } from "../json-path.ts";
import type { AwsCredentials } from "./options.ts";

/** Credentials as the servers of containers and instances hand them out. Throws `external_unreadable`. */
export function grantedCredentials(reply: unknown, host: string, what: string): AwsCredentials {
  const [id, key, token] = ["AccessKeyId", "SecretAccessKey", "Token"].map((name) => textAt(reply, name));
  const expiresAt = Date.parse(textAt(reply, "Expiration") ?? "");
  if (id === undefined || key === undefined || token === undefined || Number.isNaN(expiresAt)) {
    throw new AppError("external_unreadable", { host, what, problem: "a part of the credentials is missing" });
  }
  return { accessKeyId: id, secretAccessKey: new Secret(key), sessionToken: new Secret(token), expiresAt };
}
