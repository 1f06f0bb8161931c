export type { Config, DeclaredProvider } from "./config.ts";
export { explainKey, printConfig, type Explanation } from "./explain.ts";
export { checkConfig, loadConfig, takeEnvironmentCopy, type LoadedConfig, type LoadOptions } from "./load.ts";
export { configReference } from "./reference.ts";
export type { ConfigNames } from "./survey.ts";
