export { readBody, type BodyLimits } from "./body.ts";
export { openListener, type Listener, type Plane, type Refuse } from "./listener.ts";
