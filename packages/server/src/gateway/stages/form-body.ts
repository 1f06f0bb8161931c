import { Readable } from "node:stream";
import type { Edit } from "../../kernel/json-scan.ts";
import type { Spool } from "../../ingress/index.ts";
import type { UpstreamBody } from "../../upstream/index.ts";
import type { AskedForm } from "./decode.ts";

/** A form as the provider gets it: every byte as it came, but for the name of the model where the provider calls it otherwise. */
export function renamedForm({ form, spool, model: asked }: AskedForm, model: string): UpstreamBody {
  const field = form.field("model");
  if (field === undefined || asked === model) return editedUpload(spool, []);
  const name = Buffer.from(model);
  const edits: Edit[] = [{ ...field.at, replacement: name }];
  if (field.lengthAt !== undefined) edits.unshift({ ...field.lengthAt, replacement: Buffer.from(String(name.length)) });
  return editedUpload(spool, edits);
}

/** `edits` come in the order of what they replace. */
export function editedUpload(spool: Spool, edits: readonly Edit[]): UpstreamBody {
  async function* pieces(): AsyncGenerator<Buffer> {
    let at = 0;
    for (const { start, end, replacement } of edits) {
      yield* spool.read(at, start);
      yield replacement;
      at = end;
    }
    yield* spool.read(at, spool.sizeBytes);
  }
  const grownBytes = edits.reduce((sum, { start, end, replacement }) => sum + replacement.length - (end - start), 0);
  return {
    sizeBytes: spool.sizeBytes + grownBytes,
    open: () => Readable.from(pieces(), { objectMode: false, highWaterMark: 64 * 1024 }),
  };
}
