import type { ReferenceKind } from "../kernel/reference.ts";
import { awsReader } from "./kinds/aws.ts";
import { azureReader } from "./kinds/azure.ts";
import { environmentReader } from "./kinds/environment.ts";
import { fileReader } from "./kinds/file.ts";
import { googleReader } from "./kinds/google.ts";
import { onePasswordReader } from "./kinds/onepassword.ts";
import { vaultReader } from "./kinds/vault.ts";
import type { Reader, ReaderParts } from "./reader.ts";

/** Every kind of source. To add one: its grammar in `kernel/reference.ts`, its file in `kinds`, and a line here. */
const kinds: Readonly<Record<ReferenceKind, (parts: ReaderParts) => Reader>> = {
  env: environmentReader,
  file: fileReader,
  vault: vaultReader,
  aws: awsReader,
  gcp: googleReader,
  azure: azureReader,
  op: onePasswordReader,
};

export type Readers = (kind: ReferenceKind) => Reader;

/** A reader for each kind, made when the first reference of its kind is read. */
export function createReaders(parts: ReaderParts): Readers {
  const made = new Map<ReferenceKind, Reader>();
  return (kind) => {
    const reader = made.get(kind) ?? kinds[kind](parts);
    made.set(kind, reader);
    return reader;
  };
}
