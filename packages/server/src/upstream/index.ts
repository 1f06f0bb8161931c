export {
  createConnector,
  type Connector,
  type UpstreamCall,
  type UpstreamListener,
  type UpstreamRequest,
} from "./connector.ts";
export { httpGet, type HttpGet } from "./get.ts";
