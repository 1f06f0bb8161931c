import type { StreamFilter } from "../../dialects/index.ts";
import type { HttpReply } from "../../ingress/index.ts";
import { nextTurn, sliceBytes } from "../../kernel/turns.ts";

const mostAsText = 16 * 1024;

/** Head and a small body as one text go out in one write, for which Node takes a seventh less time than for two parts. */
export function sendWhole(response: HttpReply, body: Buffer): void {
  if (body.length <= mostAsText) response.end(body.toString("latin1"), "latin1");
  else if (body.length <= sliceBytes) response.end(body);
  else void sendInTurns(response, body);
}

/** A caller on this machine can take all of a large body in one write, and nothing else would be done meanwhile. */
async function sendInTurns(response: HttpReply, body: Buffer): Promise<void> {
  for (let start = 0; start < body.length && !response.destroyed; start += sliceBytes) {
    if (!response.write(body.subarray(start, start + sliceBytes))) {
      await new Promise<void>((resolve) => void response.once("drain", resolve));
    }
    await nextTurn();
  }
  response.end();
}

export function filtered(whole: Buffer, filter: StreamFilter | undefined): Buffer {
  if (filter === undefined) return whole;
  return Buffer.concat([filter.push(whole), filter.end()].filter((part) => part !== undefined));
}
