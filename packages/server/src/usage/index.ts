export {
  dimensions,
  getRequest,
  listRequests,
  summarize,
  type Dimension,
  type RequestFilter,
  type RequestRow,
} from "./queries.ts";
export type { EndRecord, Outcome, StartRecord } from "./record.ts";
export { openUsage, type Usage } from "./usage.ts";
