export { openAwsClient } from "./kinds/aws.ts";
export { openHashicorpClient } from "./kinds/vault.ts";
export type { SourceHealth } from "./health.ts";
export { createSources, type Sources } from "./sources.ts";
