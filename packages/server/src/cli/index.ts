export type {
  BackupCommands,
  CliParts,
  DatabaseCommands,
  DemoOptions,
  Finding,
  Place,
  RestoreGiven,
  ServeOptions,
  ServeStarted,
  SimulateOptions,
} from "./parts.ts";
export { runCli } from "./run.ts";
