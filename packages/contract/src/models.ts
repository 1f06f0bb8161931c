import { resource } from "./endpoint.ts";
import type { models as schemas } from "./schemas/models.ts";

export const models = resource<typeof schemas>()({
  list: {
    method: "GET",
    path: "/api/v1/providers/{id}/models",
    policy: "admin",
    summary: "List the models of a provider",
  },
  create: {
    method: "POST",
    path: "/api/v1/providers/{id}/models",
    policy: "admin",
    summary: "Add a model to a provider",
    status: 201,
  },
  remove: {
    method: "DELETE",
    path: "/api/v1/providers/models/{model_id}",
    policy: "admin",
    summary: "Delete a model that was added",
    status: 204,
  },
  refresh: {
    method: "POST",
    path: "/api/v1/providers/{id}/models/refresh",
    policy: "admin",
    summary: "Read the models from the provider's own list",
  },
  canonical: {
    method: "GET",
    path: "/api/v1/providers/models",
    policy: "admin",
    summary: "List `provider/model` names of the providers that have a key",
  },
});
