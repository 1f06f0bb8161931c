import type { AdminParts } from "../parts.ts";
import { auditHandlers } from "./audit.ts";
import { backupHandlers } from "./backups.ts";
import { credentialHandlers } from "./credentials.ts";
import { importHandlers } from "./imports.ts";
import { daemonHandlers } from "./daemon.ts";
import { keyHandlers } from "./keys.ts";
import { litellmHandlers } from "./litellm.ts";
import { modelHandlers } from "./models.ts";
import { providerHandlers } from "./providers.ts";
import { requestHandlers } from "./requests.ts";
import { routeHandlers } from "./routes.ts";
import { secretHandlers } from "./secrets.ts";
import { setupHandlers } from "./setup.ts";
import { statusHandlers } from "./status.ts";
import { usageHandlers } from "./usage.ts";
import { vaultHandlers } from "./vault.ts";

/** The handlers of every resource, under the names of the contract. */
export function createHandlers(parts: AdminParts) {
  return {
    audit: auditHandlers(parts),
    backups: backupHandlers(parts),
    credentials: credentialHandlers(parts),
    imports: importHandlers(parts),
    daemon: daemonHandlers(parts),
    keys: keyHandlers(parts),
    litellm: litellmHandlers(parts),
    models: modelHandlers(parts),
    providers: providerHandlers(parts),
    requests: requestHandlers(parts),
    routes: routeHandlers(parts),
    secrets: secretHandlers(parts),
    setup: setupHandlers(parts),
    status: statusHandlers(parts),
    usage: usageHandlers(parts),
    vault: vaultHandlers(parts),
  };
}
