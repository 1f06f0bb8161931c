import { resource } from "./endpoint.ts";
import type { providers as schemas } from "./schemas/providers.ts";

export const providers = resource<typeof schemas>()({
  list: { method: "GET", path: "/api/v1/providers", policy: "admin", summary: "List all providers" },
  withKeys: {
    method: "GET",
    path: "/api/v1/providers/with-keys",
    policy: "admin",
    summary: "List the providers that have a usable key",
  },
  get: { method: "GET", path: "/api/v1/providers/{id}", policy: "admin", summary: "Show a provider" },
  create: { method: "POST", path: "/api/v1/providers", policy: "admin", summary: "Add a custom provider", status: 201 },
  update: {
    method: "PUT",
    path: "/api/v1/providers/{id}",
    policy: "admin",
    summary: "Change what is given of a provider",
  },
  remove: {
    method: "DELETE",
    path: "/api/v1/providers/{id}",
    policy: "admin",
    summary: "Delete a custom provider",
    status: 204,
  },
  test: {
    method: "POST",
    path: "/api/v1/providers/{id}/test",
    policy: "admin",
    summary: "Test the given key, else the stored one, against the provider",
  },
});
