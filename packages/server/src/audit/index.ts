export { createAuditLog, type AuditLog } from "./log.ts";
