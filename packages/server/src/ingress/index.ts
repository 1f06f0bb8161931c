export { readBody } from "./body.ts";
export { openListener, type Listener, type Plane, type Refuse } from "./listener.ts";
