export {
  createConnector,
  type Connector,
  type ConnectorOptions,
  type UpstreamCall,
  type UpstreamListener,
} from "./connector.ts";
export { getDocument } from "./get.ts";
