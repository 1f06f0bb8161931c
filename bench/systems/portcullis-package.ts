import { cpSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory, run } from "../processes.ts";

export interface PortcullisPackage {
  readonly directory: string;
  readonly program: string;
}

const workspace = join(import.meta.dirname, "../..");

let packed: Promise<PortcullisPackage> | undefined;

/** The server as it is published, built from the sources here once a run: a program of its own with nothing beside it. */
export function packPortcullis(): Promise<PortcullisPackage> {
  packed ??= pack();
  return packed;
}

async function pack(): Promise<PortcullisPackage> {
  await run({ program: process.execPath, args: [join(workspace, "scripts/build.ts")], directory: workspace });
  const directory = makeDirectory();
  const server = join(workspace, "packages/server");
  for (const part of ["package.json", "bin", "dist"])
    cpSync(join(server, part), join(directory, part), { recursive: true });
  return { directory, program: join(directory, "bin/portcullis.js") };
}
