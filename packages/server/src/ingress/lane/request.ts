import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { ComingBody } from "./coming-body.ts";
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
  /** The body, if it had not come whole. */
  readonly coming: ComingBody | undefined;
  #body: Buffer | undefined;

  constructor(head: PlainHead, body: Buffer | ComingBody, socket: Socket) {
    this.head = head;
    this.url = head.url;
    this.headers = head.headers;
    this.rawHeaders = head.rawHeaders;
    this.socket = socket;
    this.coming = Buffer.isBuffer(body) ? undefined : body;
    this.#body = Buffer.isBuffer(body) ? body : undefined;
  }

  /** Once, as the reply may take long and the body is not needed for it. */
  takeBody(): Buffer {
    const body = this.#body;
    if (body === undefined) throw new Error("the body of this request was read before, or has not come");
    this.#body = undefined;
    return body;
  }

  get bodyBytes(): number {
    return this.coming?.sizeBytes ?? this.#body?.length ?? 0;
  }
}
