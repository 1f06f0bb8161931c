import { resource } from "./endpoint.ts";
import type { litellm as schemas } from "./schemas/litellm.ts";

/** Key management as scripts written for LiteLLM call it, answered in its shapes. */
export const litellm = resource<typeof schemas>()({
  generate: {
    method: "POST",
    path: "/key/generate",
    policy: "admin",
    errors: "openai",
    summary: "LiteLLM: issue a key; only this reply holds it",
  },
  info: { method: "GET", path: "/key/info", policy: "admin", errors: "openai", summary: "LiteLLM: show a key" },
  list: { method: "GET", path: "/key/list", policy: "admin", errors: "openai", summary: "LiteLLM: list keys" },
  update: { method: "POST", path: "/key/update", policy: "admin", errors: "openai", summary: "LiteLLM: change a key" },
  remove: { method: "POST", path: "/key/delete", policy: "admin", errors: "openai", summary: "LiteLLM: delete keys" },
  regenerate: {
    method: "POST",
    path: "/key/regenerate",
    policy: "admin",
    errors: "openai",
    summary: "LiteLLM: give a key a new secret; only this reply holds it",
  },
  regenerateNamed: {
    method: "POST",
    path: "/key/{key}/regenerate",
    policy: "admin",
    errors: "openai",
    summary: "LiteLLM: give a key a new secret; only this reply holds it",
  },
  block: {
    method: "POST",
    path: "/key/block",
    policy: "admin",
    errors: "openai",
    summary: "LiteLLM: refuse a key from now on",
  },
  unblock: {
    method: "POST",
    path: "/key/unblock",
    policy: "admin",
    errors: "openai",
    summary: "LiteLLM: accept a blocked key again",
  },
  spendLogs: {
    method: "GET",
    path: "/spend/logs",
    policy: "admin",
    errors: "openai",
    summary: "LiteLLM: list requests and what they cost",
  },
});
