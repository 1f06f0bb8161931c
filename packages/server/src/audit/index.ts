export { createAuditLog, type AuditEntry, type AuditEvent, type AuditLog } from "./log.ts";
