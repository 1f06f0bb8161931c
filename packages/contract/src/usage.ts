import { resource } from "./endpoint.ts";
import type { requests as requestSchemas } from "./schemas/requests.ts";
import type { usage as usageSchemas } from "./schemas/usage.ts";

export const usage = resource<typeof usageSchemas>()({
  sum: {
    method: "GET",
    path: "/api/v1/usage",
    policy: "admin",
    summary: "Sum up requests, tokens and cost by key, model, …",
  },
});

export const requests = resource<typeof requestSchemas>()({
  list: { method: "GET", path: "/api/v1/requests", policy: "admin", summary: "List requests, newest first" },
  get: { method: "GET", path: "/api/v1/requests/{id}", policy: "admin", summary: "Show a request" },
});
