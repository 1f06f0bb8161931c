export { findBrokenTarget, routeBroken } from "./broken-route.ts";
export { explain } from "./explain.ts";
export { createRouting, leadsTo, type Routing } from "./resolve.ts";
export { formatDestination, formatModelAt, type Route } from "./route.ts";
export { createRoutes, type DeclaredRoutes, type Routes } from "./routes.ts";
export type { Target } from "./target.ts";
export { targetFor } from "./topic.ts";
export { translationNeeded } from "./translation-needed.ts";
