import type { System } from "./system.ts";

/** No proxy at all: the ceiling of upstream and generator, which every other figure has to stay away from. */
export const direct: System = {
  name: "direct",
  features: "no proxy: the ceiling of provider and generator",
  missing: undefined,
  start: async ({ upstream }) => ({
    origin: upstream,
    process: undefined,
    configure: async () => ({}),
    verify: async () => {},
  }),
};
