import { resource } from "./endpoint.ts";
import type { daemon as schemas } from "./schemas/daemon.ts";

/** The addresses of the secrets daemon that Thronekeeper ships, as its clients call them, and those its own code has. */
export const daemon = resource<typeof schemas>()({
  providers: {
    method: "GET",
    path: "/providers",
    policy: "admin",
    summary: "Secrets daemon: list the providers and which of them have a key",
  },
  test: {
    method: "POST",
    path: "/providers/{id}/test",
    policy: "admin",
    summary: "Secrets daemon: test the given key, else the stored one, against the provider",
  },
  store: {
    method: "POST",
    path: "/credentials/{provider}",
    policy: "admin",
    summary: "Secrets daemon: store or replace a provider's key, once the provider has accepted it",
  },
  show: {
    method: "GET",
    path: "/credentials/{provider}",
    policy: "admin",
    summary: "Secrets daemon: show a provider's key masked, and in clear only where `vault.reveal` allows that",
  },
  remove: {
    method: "DELETE",
    path: "/credentials/{provider}",
    policy: "admin",
    summary: "Secrets daemon: delete a provider's stored keys",
  },
  listProviders: {
    method: "GET",
    path: "/secrets/providers",
    policy: "admin",
    summary: "Secrets daemon: the same as `GET /providers`",
  },
  storeUntested: {
    method: "PUT",
    path: "/secrets/provider/{id}",
    policy: "admin",
    summary: "Secrets daemon: store or replace a provider's key without asking the provider",
  },
  removeOf: {
    method: "DELETE",
    path: "/secrets/provider/{id}",
    policy: "admin",
    summary: "Secrets daemon: the same as `DELETE /credentials/{provider}`",
  },
  testStored: {
    method: "POST",
    path: "/test/provider/{id}",
    policy: "admin",
    summary: "Secrets daemon: test the stored key against the provider",
  },
});
