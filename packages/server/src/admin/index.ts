export { createAdmin } from "./app.ts";
