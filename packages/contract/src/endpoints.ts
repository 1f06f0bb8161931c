import { audit } from "./audit.ts";
import { credentials } from "./credentials.ts";
import { keys } from "./keys.ts";
import { litellm } from "./litellm.ts";
import { models } from "./models.ts";
import { providers } from "./providers.ts";
import { setup } from "./setup.ts";
import { status } from "./status.ts";
import { requests, usage } from "./usage.ts";
import { vault } from "./vault.ts";

/** The whole admin API, by resource. */
export const endpoints = {
  audit,
  credentials,
  keys,
  litellm,
  models,
  providers,
  requests,
  setup,
  status,
  usage,
  vault,
} as const;
