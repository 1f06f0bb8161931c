import {
  createEngineReply,
  encodeWhisper,
  readFields,
  transcriptionUsage,
  transcriptType,
  whisperPath,
  type FormEntry,
} from "../../dialects/index.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Edit } from "../../kernel/json-scan.ts";
import type { FormPart, Spool } from "../../ingress/index.ts";
import type { Target } from "../../routing/index.ts";
import type { UpstreamBody } from "../../upstream/index.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import type { AskedForm } from "./decode.ts";
import { editedUpload } from "./form-body.ts";
import { notOffered } from "./offered.ts";
import type { Translated } from "./translate.ts";

/** A recording for an engine of another shape. Throws AppError `not_offered`, and what the translation throws. */
export async function translateTranscription(
  exchange: Exchange,
  asked: AskedForm,
  target: Target,
  { translation }: PipelineParts,
): Promise<Translated> {
  if (target.dialect !== exchange.dialect.id) throw notOffered("transcription", target);
  const { form, spool, stream } = asked;
  const entries = await Promise.all(form.parts.map((part) => entryOf(part, spool)));
  const translate = exchange.route.path.endsWith("/translations");
  const { kept, added, format, losses } = encodeWhisper(entries, { stream, translate });
  const left = form.parts.filter((_, index) => kept[index] !== true);
  const contentType = exchange.request.headers["content-type"] ?? "";
  const headers = { accept: "*/*", "content-type": contentType };
  const reply = createEngineReply({
    usage: transcriptionUsage,
    contentType: transcriptType(format),
    translate: (body) => translation.translator.request("transcription_reply", { body, format, stream }),
  });
  return { sent: { body: await cutForm(spool, left, added), path: whisperPath, headers, losses }, reply };
}

/** The longest value that is read; the fields that are read have short ones. */
const mostValueBytes = 256;

async function entryOf({ name, isFile, at }: FormPart, spool: Spool): Promise<FormEntry> {
  if (isFile || !readFields.has(name)) return { name, isFile, value: undefined };
  if (at.end - at.start > mostValueBytes) {
    throw new AppError("invalid_form", { problem: `the field \`${name}\` is too long` });
  }
  return { name, isFile, value: (await bytesOf(spool, at.start, at.end)).toString("utf8") };
}

async function bytesOf(spool: Spool, start: number, end: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of spool.read(start, end)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The form without some of its parts and with others in front; every other byte is sent as it lies there. */
async function cutForm(
  spool: Spool,
  left: readonly FormPart[],
  added: readonly (readonly [string, string])[],
): Promise<UpstreamBody> {
  const delimiter = await delimiterOf(spool);
  const front = added.map(
    ([name, value]) => `${delimiter}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const edits: Edit[] = [{ start: 0, end: 0, replacement: Buffer.from(front.join("")) }];
  for (const { whole } of left) edits.push({ ...whole, replacement: Buffer.alloc(0) });
  return editedUpload(spool, edits);
}

/** Dashes and the longest boundary that is taken. */
const mostDelimiterBytes = 2 + 70;

/** The first line, which a form was found to begin with. */
async function delimiterOf(spool: Spool): Promise<string> {
  const start = await bytesOf(spool, 0, Math.min(mostDelimiterBytes + 2, spool.sizeBytes));
  return start.toString("latin1", 0, start.indexOf("\r\n"));
}
