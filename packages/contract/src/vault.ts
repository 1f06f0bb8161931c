import { resource } from "./endpoint.ts";
import type { vault as schemas } from "./schemas/vault.ts";

export const vault = resource<typeof schemas>()({
  status: { method: "GET", path: "/api/v1/vault", policy: "admin", summary: "Say whether the vault is sealed" },
  seal: {
    method: "POST",
    path: "/api/v1/vault/seal",
    policy: "admin",
    summary: "Seal the vault: no provider key can be used until it is unsealed",
  },
  unseal: { method: "POST", path: "/api/v1/vault/unseal", policy: "admin", summary: "Unseal the vault" },
  listSlots: {
    method: "GET",
    path: "/api/v1/vault/slots",
    policy: "admin",
    summary: "List the ways to unlock the vault",
  },
  addSlot: {
    method: "POST",
    path: "/api/v1/vault/slots",
    policy: "admin",
    summary: "Add a way to unlock the vault",
    status: 201,
  },
  removeSlot: {
    method: "DELETE",
    path: "/api/v1/vault/slots/{id}",
    policy: "admin",
    summary: "Remove a way to unlock the vault",
    status: 204,
  },
});
