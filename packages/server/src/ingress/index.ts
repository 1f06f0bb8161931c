export { readBody, statedBytes, type BodyLimits } from "./body.ts";
export { readForm } from "./form-body.ts";
export type { Form, FormPart } from "./form.ts";
export type { HttpReply, HttpRequest } from "./http.ts";
export type { PlainPlane } from "./lane/lane.ts";
export { ofHead } from "./lane/of-head.ts";
export { openListener, type Listener, type Plane, type Refuse } from "./listener.ts";
export { createSpools, type Spool, type Spools } from "./spool.ts";
