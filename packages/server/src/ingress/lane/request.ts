import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { PlainHead } from "./head.ts";

/** A request that came on a lane, with the properties that Node's requests have. */
export class PlainRequest {
  readonly method: string = "POST";
  readonly httpVersionMajor: number = 1;
  readonly httpVersionMinor: number = 1;
  /** The very object that the request before had, if their heads are the same: what is found out of it may be kept. */
  readonly head: PlainHead;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  readonly socket: Socket;
  #body: Buffer | undefined;

  constructor(head: PlainHead, body: Buffer, socket: Socket) {
    this.head = head;
    this.url = head.url;
    this.headers = head.headers;
    this.rawHeaders = head.rawHeaders;
    this.socket = socket;
    this.#body = body;
  }

  /** Once, as the reply may take long and the body is not needed for it. */
  takeBody(): Buffer {
    const body = this.#body;
    if (body === undefined) throw new Error("the body of this request was read before");
    this.#body = undefined;
    return body;
  }

  get bodyBytes(): number {
    return this.#body?.length ?? 0;
  }
}
