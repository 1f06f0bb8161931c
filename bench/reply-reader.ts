/**
 * Reads one HTTP/1.1 reply after another from the bytes of a connection, however they are cut, and keeps nothing of it
 * but its status and how long its body was. Lines: status line, head, [body | size, chunk, line end, …, trailer].
 */
export class ReplyReader {
  status = 0;
  bodyBytes = 0;
  #state: "status" | "head" | "body" | "size" | "chunk" | "chunk end" | "trailer" | "done" = "status";
  #line = "";
  #remaining = 0;
  #chunked = false;

  /** Makes it ready for the next reply. */
  reset(): void {
    this.status = 0;
    this.bodyBytes = 0;
    this.#state = "status";
    this.#line = "";
    this.#remaining = 0;
    this.#chunked = false;
  }

  /** True once the reply is complete. Throws on what is no reply, and on bytes after its end. */
  read(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length && this.#state !== "done") {
      at = this.#state === "body" || this.#state === "chunk" ? this.#skip(bytes, at) : this.#readLine(bytes, at);
    }
    if (at < bytes.length) throw new Error("there are bytes after the end of the reply");
    return this.#state === "done";
  }

  #skip(bytes: Buffer, at: number): number {
    const taken = Math.min(this.#remaining, bytes.length - at);
    this.bodyBytes += taken;
    this.#remaining -= taken;
    if (this.#remaining === 0) this.#state = this.#state === "body" ? "done" : "chunk end";
    return at + taken;
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
    if (this.#state === "status") this.#takeStatus(line);
    else if (this.#state === "head") this.#takeHeader(line);
    else if (this.#state === "size") this.#takeSize(line);
    else if (this.#state === "chunk end") this.#state = "size";
    else if (line === "") this.#state = "done";
  }

  #takeStatus(line: string): void {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(line)?.[1];
    if (status === undefined) throw new Error("the reply does not begin with a status line");
    this.status = Number(status);
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
    if (Number.isNaN(this.#remaining)) throw new Error("a chunk of the reply does not begin with its size");
    this.#state = this.#remaining === 0 ? "trailer" : "chunk";
  }
}
