export { credentialUse, type CredentialUse } from "./credential-use.ts";
export { describeLosses } from "./dropped.ts";
export {
  dimensions,
  findResponse,
  getRequest,
  listRequests,
  type Dimension,
  type KeptReply,
  type RequestFilter,
  type RequestRow,
} from "./queries.ts";
export type { EndRecord, Outcome, StartRecord } from "./record.ts";
export { recompute } from "./recompute.ts";
export type { OpenRequest } from "./segment.ts";
export { seenValues } from "./seen.ts";
export { series, summarize } from "./summary.ts";
export { openUsage, type Usage } from "./usage.ts";
