import { resource } from "./endpoint.ts";
import type { backups as schemas } from "./schemas/backups.ts";

export const backups = resource<typeof schemas>()({
  make: {
    method: "POST",
    path: "/api/v1/vault/backup",
    policy: "admin",
    summary: "Make a backup of the database and the vault, encrypted in the age format",
    download: "application/octet-stream",
  },
});
