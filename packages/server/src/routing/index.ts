export { createRouting, type Routing, type Target } from "./resolve.ts";
