import { resource } from "./endpoint.ts";
import type { setup as schemas } from "./schemas/setup.ts";

export const setup = resource<typeof schemas>()({
  claim: {
    method: "POST",
    path: "/api/v1/setup",
    policy: "setup",
    summary: "Claim a fresh instance with its one-time code",
  },
});
