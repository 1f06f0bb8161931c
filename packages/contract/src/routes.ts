import { resource } from "./endpoint.ts";
import type { routes as schemas } from "./schemas/routes.ts";

export const routes = resource<typeof schemas>()({
  list: {
    method: "GET",
    path: "/api/v1/routes",
    policy: "admin",
    summary: "List the names that callers may ask for in place of a model",
  },
  get: { method: "GET", path: "/api/v1/routes/{name}", policy: "admin", summary: "Show where a route leads" },
  set: {
    method: "PUT",
    path: "/api/v1/routes/{name}",
    policy: "admin",
    summary: "Make a route, or put another in the place of the one before",
    mayCreate: true,
  },
  remove: { method: "DELETE", path: "/api/v1/routes/{name}", policy: "admin", summary: "Delete a route", status: 204 },
  explain: {
    method: "POST",
    path: "/api/v1/routes/explain",
    policy: "admin",
    summary: "Say where a request for a model would go, without sending one",
  },
});
