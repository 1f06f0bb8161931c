/** `npm start`: builds the server, which takes a moment, and becomes `portcullis serve`. */
import { join } from "node:path";
import process from "node:process";

await import("./build.ts");
const main = join(import.meta.dirname, "../packages/server/dist/main.js");
const words = ["serve", ...process.argv.slice(2)];
if (process.platform !== "win32" && process.execve !== undefined) {
  process.execve(process.execPath, [process.execPath, main, ...words]);
}
process.argv = [process.execPath, main, ...words];
await import(main);
