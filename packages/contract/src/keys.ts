import { resource } from "./endpoint.ts";
import type { keys as schemas } from "./schemas/keys.ts";

export const keys = resource<typeof schemas>()({
  list: { method: "GET", path: "/api/v1/keys", policy: "admin", summary: "List the keys this gateway issued" },
  get: { method: "GET", path: "/api/v1/keys/{id}", policy: "admin", summary: "Show a key, without its secret" },
  create: {
    method: "POST",
    path: "/api/v1/keys",
    policy: "admin",
    summary: "Issue a key; only this reply holds it",
    status: 201,
  },
  update: {
    method: "PUT",
    path: "/api/v1/keys/{id}",
    policy: "admin",
    summary: "Change what a key is for and what it may do; only what is given changes",
  },
  disable: { method: "POST", path: "/api/v1/keys/{id}/disable", policy: "admin", summary: "Refuse a key from now on" },
  enable: { method: "POST", path: "/api/v1/keys/{id}/enable", policy: "admin", summary: "Accept a disabled key again" },
  rotate: {
    method: "POST",
    path: "/api/v1/keys/{id}/rotate",
    policy: "admin",
    summary: "Give a key a new secret; only this reply holds it",
  },
  remove: { method: "DELETE", path: "/api/v1/keys/{id}", policy: "admin", summary: "Delete a key", status: 204 },
  validate: {
    method: "POST",
    path: "/api/v1/keys/validate",
    policy: "admin",
    summary: "Say whether a key would be accepted",
  },
});
