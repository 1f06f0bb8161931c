/**
 * `npm run build`: the server and everything it needs in packages/server/dist, as plain JavaScript. It starts in half
 * the time of the sources and takes little more than half their memory, because nothing is stripped, resolved or loaded that is not used.
 */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const server = join(import.meta.dirname, "../packages/server");
const source = join(server, "src");
const output = join(server, "dist");

rmSync(output, { recursive: true, force: true });
await build({
  entryPoints: {
    main: join(source, "main.ts"),
    "settler-worker": join(source, "usage/settler-worker.ts"),
    "translation-worker": join(source, "gateway/translation/translation-worker.ts"),
    "rewrap-worker": join(source, "vault/rotation/rewrap-worker.ts"),
    "key-ring-process": join(source, "vault/unlockers/key-ring-process.ts"),
  },
  outdir: output,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "linked",
  // A native add-on, optional: found where it is installed, done without where it is not.
  external: ["@napi-rs/keyring"],
  // Packages that are still CommonJS ask for Node's own modules by `require`.
  banner: {
    js: `const require=name=>process.getBuiltinModule(name)??(()=>{throw Object.assign(Error("Cannot find module "+name),{code:"MODULE_NOT_FOUND"})})();`,
  },
});
cpSync(join(source, "catalog/data"), join(output, "data"), { recursive: true });
