/** `npm run docs`: writes docs/reference/ anew. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { referenceDocuments } from "./reference.ts";

for (const [path, text] of await referenceDocuments()) {
  const target = resolve(import.meta.dirname, "..", path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  console.log(`wrote ${path}`);
}
