import type { AdminParts } from "../parts.ts";
import { auditHandlers } from "./audit.ts";
import { credentialHandlers } from "./credentials.ts";
import { keyHandlers } from "./keys.ts";
import { litellmHandlers } from "./litellm.ts";
import { modelHandlers } from "./models.ts";
import { providerHandlers } from "./providers.ts";
import { requestHandlers } from "./requests.ts";
import { setupHandlers } from "./setup.ts";
import { statusHandlers } from "./status.ts";
import { usageHandlers } from "./usage.ts";
import { vaultHandlers } from "./vault.ts";

/** The handlers of every resource, under the names of the contract. */
export function createHandlers(parts: AdminParts) {
  return {
    audit: auditHandlers(parts),
    credentials: credentialHandlers(parts),
    keys: keyHandlers(parts),
    litellm: litellmHandlers(parts),
    models: modelHandlers(parts),
    providers: providerHandlers(parts),
    requests: requestHandlers(parts),
    setup: setupHandlers(parts),
    status: statusHandlers(parts),
    usage: usageHandlers(parts),
    vault: vaultHandlers(parts),
  };
}
