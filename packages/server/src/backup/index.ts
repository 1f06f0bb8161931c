export type { Holders, Opener } from "./age-file.ts";
export { createBackups, type BackupParts, type MakeBackup } from "./make.ts";
export { restoreBackup, type RestoreReport } from "./restore.ts";
export { demandNewName, readKeyLines, saveBackup } from "./save.ts";
export { demandEmptyHome, rehearsalTarget, restoreTarget, type Target } from "./target.ts";
