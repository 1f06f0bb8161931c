import type { CommandEntry } from "../command.ts";

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  { name: "serve", summary: "run the gateway", load: async () => (await import("./serve.ts")).serve },
  {
    name: "demo",
    summary: "show the gateway at work with a simulated provider",
    load: async () => (await import("./demo.ts")).demo,
  },
  {
    name: "setup",
    summary: "claim a new gateway and make it ready for use",
    load: async () => (await import("./setup.ts")).setup,
  },
  { name: "status", summary: "say how the gateway is doing", load: async () => (await import("./status.ts")).status },
  {
    name: "doctor",
    summary: "look for what is wrong on this machine",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  { name: "run", summary: "run an agent through the gateway", load: async () => (await import("./run.ts")).run },
  {
    name: "providers",
    summary: "the places that serve models",
    load: async () => (await import("./providers.ts")).providers,
  },
  {
    name: "credentials",
    summary: "the providers' API keys, in the vault",
    load: async () => (await import("./credentials.ts")).credentials,
  },
  {
    name: "secrets",
    summary: "named secrets, in the vault",
    load: async () => (await import("./secrets.ts")).secrets,
  },
  { name: "keys", summary: "the keys that callers use", load: async () => (await import("./keys.ts")).keys },
  {
    name: "routes",
    summary: "names that callers ask for, and the models behind them",
    load: async () => (await import("./routes.ts")).routes,
  },
  {
    name: "usage",
    summary: "what was used, by whom, at what cost",
    load: async () => (await import("./usage.ts")).usage,
  },
  { name: "audit", summary: "who did what", load: async () => (await import("./audit.ts")).audit },
  { name: "vault", summary: "seal and unseal the vault", load: async () => (await import("./vault.ts")).vault },
  {
    name: "config",
    summary: "check and explain the configuration",
    load: async () => (await import("./config.ts")).config,
  },
  { name: "db", summary: "look after the database", load: async () => (await import("./db.ts")).db },
  { name: "simulate", summary: "run a simulated provider", load: async () => (await import("./simulate.ts")).simulate },
  {
    name: "completion",
    summary: "print a completion script for your shell",
    load: async () => (await import("./completion.ts")).completion,
  },
];
