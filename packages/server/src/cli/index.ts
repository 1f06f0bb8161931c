export type {
  CliParts,
  DatabaseCommands,
  DemoOptions,
  Finding,
  Place,
  ServeOptions,
  ServeStarted,
  SimulateOptions,
} from "./parts.ts";
export { runCli } from "./run.ts";
