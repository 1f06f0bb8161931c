import { resource } from "./endpoint.ts";
import type { credentials as schemas } from "./schemas/credentials.ts";

export const credentials = resource<typeof schemas>()({
  list: {
    method: "GET",
    path: "/api/v1/credentials",
    policy: "admin",
    summary: "List the API keys in the vault, without their values",
  },
  create: {
    method: "POST",
    path: "/api/v1/credentials",
    policy: "admin",
    summary: "Put a provider's API key into the vault",
    status: 201,
  },
  test: {
    method: "POST",
    path: "/api/v1/credentials/{id}/test",
    policy: "admin",
    summary: "Ask the provider whether it accepts the key",
  },
  disable: {
    method: "POST",
    path: "/api/v1/credentials/{id}/disable",
    policy: "admin",
    summary: "Stop using an API key",
  },
  enable: { method: "POST", path: "/api/v1/credentials/{id}/enable", policy: "admin", summary: "Use an API key again" },
  remove: {
    method: "DELETE",
    path: "/api/v1/credentials/{id}",
    policy: "admin",
    summary: "Delete an API key from the vault",
    status: 204,
  },
});
