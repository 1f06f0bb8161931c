export { createGateway } from "./app.ts";
export { createSettler } from "./stages/settle.ts";
