/**
 * Reads one HTTP/1.1 message after another, request or reply, from the bytes of a connection, however they are cut. It
 * keeps the start line and gives the body away. Lines: start line, head, [body | size, chunk, line end, …, trailer].
 */
export class MessageReader {
  startLine = "";
  #state: "start" | "head" | "body" | "size" | "chunk" | "chunk end" | "trailer" | "done" = "start";
  #line = "";
  #remaining = 0;
  #chunked = false;
  readonly #onBody: (piece: Buffer) => void;

  constructor(onBody: (piece: Buffer) => void = () => {}) {
    this.#onBody = onBody;
  }

  /** Makes it ready for the next message. */
  reset(): void {
    this.startLine = "";
    this.#state = "start";
    this.#line = "";
    this.#remaining = 0;
    this.#chunked = false;
  }

  /** Of a reply; NaN before its first line, and of what is no HTTP/1.1 reply. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.startLine)?.[1]);
  }

  /** True once the message is complete. Throws on framing it does not know, and on bytes after the end. */
  read(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length && this.#state !== "done") {
      at = this.#state === "body" || this.#state === "chunk" ? this.#readBody(bytes, at) : this.#readLine(bytes, at);
    }
    if (at < bytes.length) throw new Error("there are bytes after the end of the message");
    return this.#state === "done";
  }

  #readBody(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.#remaining, bytes.length);
    this.#onBody(bytes.subarray(at, end));
    this.#remaining -= end - at;
    if (this.#remaining === 0) this.#state = this.#state === "body" ? "done" : "chunk end";
    return end;
  }

  #readLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(10, at);
    this.#line += bytes.toString("latin1", at, end === -1 ? bytes.length : end);
    if (end === -1) return bytes.length;
    const line = this.#line.trimEnd();
    this.#line = "";
    this.#take(line);
    return end + 1;
  }

  #take(line: string): void {
    if (this.#state === "start") this.#takeStart(line);
    else if (this.#state === "head") this.#takeHeader(line);
    else if (this.#state === "size") this.#takeSize(line);
    else if (this.#state === "chunk end") this.#state = "size";
    else if (line === "") this.#state = "done";
  }

  #takeStart(line: string): void {
    this.startLine = line;
    this.#state = "head";
  }

  #takeHeader(line: string): void {
    if (line === "") {
      this.#state = this.#chunked ? "size" : this.#remaining === 0 ? "done" : "body";
      return;
    }
    const [name, value] = line.split(":", 2);
    if (name?.toLowerCase() === "content-length") this.#remaining = Number(value);
    if (name?.toLowerCase() === "transfer-encoding") this.#chunked = true;
  }

  #takeSize(line: string): void {
    this.#remaining = Number.parseInt(line, 16);
    if (Number.isNaN(this.#remaining)) throw new Error("a chunk does not begin with its size");
    this.#state = this.#remaining === 0 ? "trailer" : "chunk";
  }
}
