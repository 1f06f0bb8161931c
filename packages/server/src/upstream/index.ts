export { sentOnce } from "./body.ts";
export {
  createConnector,
  type Connector,
  type UpstreamBody,
  type UpstreamCall,
  type UpstreamListener,
  type UpstreamRequest,
} from "./connector.ts";
export { httpGet, type HttpGet } from "./get.ts";
