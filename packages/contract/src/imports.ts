import { resource } from "./endpoint.ts";
import type { imports as schemas } from "./schemas/imports.ts";

export const imports = resource<typeof schemas>()({
  run: {
    method: "POST",
    path: "/api/v1/vault/import",
    policy: "admin",
    summary: "Take over providers, models, API keys, secrets and callers' keys; nothing comes twice",
  },
});
