import { requireProvider, type System } from "./system.ts";

/** No proxy at all: the ceiling of upstream and generator, which every other figure has to stay away from. */
export const direct: System = {
  name: "direct",
  features: "no proxy: the ceiling of provider and generator",
  absence: async () => undefined,
  version: async () => "–",
  start: async (place) => ({
    process: undefined,
    access: ({ provider }) => ({
      origin: (place.providers.find(({ name }) => name === provider) ?? requireProvider(place)).origin,
      headers: {},
    }),
  }),
};
