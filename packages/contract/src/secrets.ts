import { resource } from "./endpoint.ts";
import type { secrets as schemas } from "./schemas/secrets.ts";

export const secrets = resource<typeof schemas>()({
  list: {
    method: "GET",
    path: "/api/v1/secrets",
    policy: "admin",
    summary: "List the named secrets in the vault, without their values",
  },
  names: {
    method: "GET",
    path: "/api/v1/secret-names",
    policy: "admin",
    summary: "List the recognised names of secrets and the environment variables that belong to them",
  },
  put: {
    method: "PUT",
    path: "/api/v1/secrets/{name}",
    policy: "admin",
    summary: "Put a secret into the vault under a name, in the place of the one before if there is one",
    mayCreate: true,
  },
  remove: {
    method: "DELETE",
    path: "/api/v1/secrets/{name}",
    policy: "admin",
    summary: "Delete a secret",
    status: 204,
  },
  reveal: {
    method: "POST",
    path: "/api/v1/secrets/{name}/reveal",
    policy: "admin",
    summary: "Show a secret's value, where `vault.reveal` allows that, to an admin on the gateway's own machine",
  },
});
