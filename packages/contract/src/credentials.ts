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
    summary: "Put a provider's API key, or a reference to it, into the vault",
    status: 201,
  },
  get: {
    method: "GET",
    path: "/api/v1/credentials/{id}",
    policy: "admin",
    summary: "Show what is known of an API key, without its value",
  },
  update: {
    method: "PUT",
    path: "/api/v1/credentials/{id}",
    policy: "admin",
    summary: "Change what is given of an API key's label, weight, priority and expiry",
  },
  rotate: {
    method: "POST",
    path: "/api/v1/credentials/{id}/rotate",
    policy: "admin",
    summary: "Put a new API key in the place of the present one",
  },
  reveal: {
    method: "GET",
    path: "/api/v1/credentials/{id}/reveal",
    policy: "admin",
    summary: "Show an API key, where `vault.reveal` allows it, on the gateway's own machine",
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
