import type { Secret } from "../kernel/secret.ts";

/**
 * The variables by which the tools of other vendors are configured (AWS_REGION, VAULT_ADDR, …). All of them were taken out of
 * the process's environment at the start: no child process inherits them, and no reference can name one.
 */
export interface ExternalEnvironment {
  readonly texts: Readonly<Record<string, string>>;
  readonly secrets: ReadonlyMap<string, Secret>;
}

/** No variable is set. */
export const emptyEnvironment: ExternalEnvironment = { texts: {}, secrets: new Map() };

/** Every variable that this module reads. Those of `secrets` are wrapped as soon as they are read. */
export const externalVariables = {
  texts: [
    "AWS_ACCESS_KEY_ID",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_STS",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_TENANT_ID",
    "GCE_METADATA_HOST",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "OP_CONNECT_HOST",
    "VAULT_ADDR",
    "VAULT_CACERT",
    "VAULT_NAMESPACE",
  ],
  secrets: [
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "OP_CONNECT_TOKEN",
    "VAULT_SECRET_ID",
    "VAULT_TOKEN",
  ],
} as const;
