export { createClient, type Client, type ClientOptions } from "./client.ts";
export { PortcullisError, type PortcullisErrorCode } from "./error.ts";
export { createSecrets, type FoundSecret, type Secrets, type SecretsOptions } from "./secrets.ts";
