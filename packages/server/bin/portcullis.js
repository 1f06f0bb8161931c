#!/usr/bin/env node
// Plain JavaScript that any Node can parse, so that an old Node gets one clear line instead of a syntax error.
import { existsSync } from "node:fs";
import process from "node:process";

const floor = 24;
if (Number.parseInt(process.versions.node, 10) < floor) {
  process.stderr.write(`error: portcullis needs Node.js ${floor} or newer; this is ${process.version}\n`);
  process.exit(1);
}
// In the repository the sources are what runs; what is published has the build of them alone.
const source = new URL("../src/main.ts", import.meta.url);
await import(existsSync(source) ? source.href : new URL("../dist/main.js", import.meta.url).href);
