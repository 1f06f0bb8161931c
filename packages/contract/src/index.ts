import type * as z from "zod";
import type * as audit from "./schemas/audit.ts";
import type * as credentials from "./schemas/credentials.ts";
import type * as imports from "./schemas/imports.ts";
import type * as keys from "./schemas/keys.ts";
import type * as models from "./schemas/models.ts";
import type * as providers from "./schemas/providers.ts";
import type * as requests from "./schemas/requests.ts";
import type * as routes from "./schemas/routes.ts";
import type * as secrets from "./schemas/secrets.ts";
import type * as setup from "./schemas/setup.ts";
import type * as status from "./schemas/status.ts";
import type * as usage from "./schemas/usage.ts";
import type * as values from "./schemas/values.ts";
import type * as vault from "./schemas/vault.ts";

export type {
  CallOf,
  Declaration,
  Endpoint,
  EndpointSchemas,
  HandlersOf,
  Policy,
  ReplyOf,
  RequestOf,
} from "./endpoint.ts";
export { policies } from "./endpoint.ts";
export { endpoints } from "./endpoints.ts";
export {
  recognisedSecrets,
  secretMaxBytes,
  secretName,
  variableOf,
  variablesOf,
  type RecognisedSecret,
} from "./secret-names.ts";
export { errorCodes, type ErrorCode, type ErrorSpec } from "./error-codes.ts";

export type AuditEvent = z.output<typeof audit.auditEvent>;
export type Credential = z.output<typeof credentials.credential>;
export type ImportItem = z.input<typeof imports.importItem>;
export type ImportReport = z.output<typeof imports.importReport>;
export type IssuedKey = z.output<typeof keys.issuedKey>;
export type Key = z.output<typeof keys.key>;
export type Model = z.output<typeof models.model>;
export type Owner = z.output<typeof setup.owner>;
export type Problem = z.output<typeof values.problem>;
export type Provider = z.output<typeof providers.provider>;
export type RequestRow = z.output<typeof requests.requestRow>;
export type Route = z.output<typeof routes.route>;
export type RouteExplanation = z.output<typeof routes.explanation>;
export type NamedSecret = z.output<typeof secrets.secret>;
export type Status = z.output<(typeof status.status)["get"]["output"]>;
export type TestResult = z.output<typeof providers.testResult>;
export type UsageGroup = z.output<typeof usage.usageGroup>;
export type UsageRow = z.output<typeof usage.usageRow>;
export type VaultSlot = z.output<typeof vault.vaultSlot>;
export type VaultStatus = z.output<typeof vault.vaultStatus>;
