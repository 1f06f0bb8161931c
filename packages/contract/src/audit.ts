import { resource } from "./endpoint.ts";
import type { audit as schemas } from "./schemas/audit.ts";

export const audit = resource<typeof schemas>()({
  list: { method: "GET", path: "/api/v1/audit", policy: "admin", summary: "List audit events, newest first" },
});
