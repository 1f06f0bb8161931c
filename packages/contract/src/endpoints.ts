import { audit } from "./audit.ts";
import { backups } from "./backups.ts";
import { credentials } from "./credentials.ts";
import { imports } from "./imports.ts";
import { daemon } from "./daemon.ts";
import { keys } from "./keys.ts";
import { litellm } from "./litellm.ts";
import { models } from "./models.ts";
import { providers } from "./providers.ts";
import { routes } from "./routes.ts";
import { secrets } from "./secrets.ts";
import { setup } from "./setup.ts";
import { status } from "./status.ts";
import { requests, usage } from "./usage.ts";
import { vault } from "./vault.ts";

/** The whole admin API, by resource. */
export const endpoints = {
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
} as const;
