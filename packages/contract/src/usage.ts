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
  series: {
    method: "GET",
    path: "/api/v1/usage/series",
    policy: "admin",
    summary: "Sum up requests, tokens and cost by the hour or day (UTC)",
  },
  filters: {
    method: "GET",
    path: "/api/v1/usage/filters",
    policy: "admin",
    summary: "List the keys, models, … that there is usage of",
  },
  recompute: {
    method: "POST",
    path: "/api/v1/usage/recompute",
    policy: "admin",
    summary: "Charge requests that are kept anew, at today's prices",
  },
});

export const requests = resource<typeof requestSchemas>()({
  list: { method: "GET", path: "/api/v1/requests", policy: "admin", summary: "List requests, newest first" },
  get: { method: "GET", path: "/api/v1/requests/{id}", policy: "admin", summary: "Show a request" },
});
