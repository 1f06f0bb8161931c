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
  rotate: {
    method: "POST",
    path: "/api/v1/vault/rotate",
    policy: "admin",
    summary:
      "Begin a new key under which values are sealed, or callers' keys are hashed; what is there follows by itself",
  },
  stageRoot: {
    method: "POST",
    path: "/api/v1/vault/root",
    policy: "admin",
    summary: "Make a new root key and a slot for each present one; nothing is in force before it is confirmed",
  },
  confirmRoot: {
    method: "POST",
    path: "/api/v1/vault/root/confirm",
    policy: "admin",
    summary: "Put the staged root key in force, once one of its slots has been seen to open",
  },
  cancelRoot: {
    method: "DELETE",
    path: "/api/v1/vault/root",
    policy: "admin",
    summary: "Give the staged root key up",
    status: 204,
  },
  move: {
    method: "POST",
    path: "/api/v1/vault/move",
    policy: "admin",
    summary: "Move the vault from the database to a file of its own, or back",
  },
});
