import { resource } from "./endpoint.ts";
import type { status as schemas } from "./schemas/status.ts";

export const status = resource<typeof schemas>()({
  get: { method: "GET", path: "/api/v1/status", policy: "admin", summary: "Say how the gateway is doing" },
  openApi: { method: "GET", path: "/api/v1/openapi.json", policy: "admin", summary: "This API as an OpenAPI document" },
});
