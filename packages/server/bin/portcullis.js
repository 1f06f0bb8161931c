#!/usr/bin/env node
// Plain JavaScript that any Node can parse, so that an old Node gets one clear line instead of a syntax error.
import process from "node:process";

const floor = 24;
if (Number.parseInt(process.versions.node, 10) < floor) {
  process.stderr.write(`error: portcullis needs Node.js ${floor} or newer; this is ${process.version}\n`);
  process.exit(1);
}
await import("../src/main.ts");
