export { openAdminToken, readAdminToken } from "./admin-token.ts";
export { homePath, openHome, type Home, type HomePath } from "./directory.ts";
export { createPrivateFile, readPrivateFile, writePrivateFile } from "./private-file.ts";
