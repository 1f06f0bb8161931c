import type { EndpointSchemas } from "../endpoint.ts";
import type { endpoints } from "../endpoints.ts";
import { audit } from "./audit.ts";
import { backups } from "./backups.ts";
import { credentials } from "./credentials.ts";
import { imports } from "./imports.ts";
import { daemon } from "./daemon.ts";
import { keys } from "./keys.ts";
import { litellm } from "./litellm.ts";
import { models } from "./models.ts";
import { providers } from "./providers.ts";
import { requests } from "./requests.ts";
import { routes } from "./routes.ts";
import { secrets } from "./secrets.ts";
import { setup } from "./setup.ts";
import { status } from "./status.ts";
import { usage } from "./usage.ts";
import { vault } from "./vault.ts";

type SchemaTable = {
  readonly [Resource in keyof typeof endpoints]: {
    readonly [Name in keyof (typeof endpoints)[Resource]]: EndpointSchemas;
  };
};

/** The schemas of every endpoint, under the same names as in `endpoints`. */
export const schemas = {
  audit,
  backups,
  credentials,
  daemon,
  imports,
  keys,
  litellm,
  models,
  providers,
  requests,
  routes,
  secrets,
  setup,
  status,
  usage,
  vault,
} as const satisfies SchemaTable;
