export type { Config, DeclaredProvider, ListenAddress } from "./config.ts";
export { changedSettings, type ChangedSetting } from "./changes.ts";
export { explainKey, printConfig, type Explanation } from "./explain.ts";
export { checkConfig, loadConfig, takeEnvironmentCopy, type LoadedConfig, type LoadOptions } from "./load.ts";
export { isLoopback } from "./fields.ts";
export { configReference } from "./reference.ts";
export type { ConfigNames } from "./survey.ts";
