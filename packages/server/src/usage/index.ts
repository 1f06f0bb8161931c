export {
  dimensions,
  getRequest,
  listRequests,
  summarize,
  type Dimension,
  type RequestFilter,
  type RequestPage,
  type RequestRow,
  type UsageSummary,
} from "./queries.ts";
export type { EndRecord, Outcome, StartRecord } from "./record.ts";
export { openUsage, type Usage, type UsageHealth } from "./usage.ts";
