import type { BlockWriter } from "../canonical/block-writer.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { FinishReason } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import { text } from "../counter.ts";
import { PartialArguments } from "./partial-arguments.ts";
import { renditionOf } from "./server-parts.ts";

/*
 * Reads the parts of a reply. A call comes whole; or, from some places, in pieces: its name first, then its arguments bit by bit,
 * and at last a piece that says nothing, or that says that none will follow. Until then it is *pending*, and whatever else comes
 * ends it, for some leave that last piece out.
 *
 * A signature stands on the part that it belongs to, or on an empty text behind it all. It becomes the state of a thought before
 * that part; but a text that is under way cannot have one before it, and gets it behind.
 */
export class PartReader {
  readonly #writer: BlockWriter;
  readonly #provider: string;
  #calls = 0;
  readonly #ids = new Set<string>();
  #pending: PartialArguments | undefined;
  /** Whether the last part was a text. */
  isTextOpen = false;
  #isBroken = false;
  hasMedia = false;

  constructor(writer: BlockWriter, provider: string) {
    this.#writer = writer;
    this.#provider = provider;
  }

  take(part: unknown): void {
    if (!isObject(part)) return;
    const { functionCall: call, text: said, thoughtSignature: signature, thought } = part;
    const sign = typeof signature === "string" ? signature : "";
    if (isObject(call)) return this.#call(call, sign);
    if (this.#pending !== undefined && said !== "") this.#endPending();
    if (part["inlineData"] !== undefined || part["fileData"] !== undefined) this.hasMedia = true;
    if (thought === true) return this.#thought(typeof said === "string" ? said : "", sign);
    this.#text(typeof said === "string" ? said : (renditionOf(part) ?? ""), sign);
  }

  /** What is wrong with the reply as it ended, if anything is. */
  end(reason: FinishReason): string | undefined {
    if (this.#pending !== undefined && reason !== "end") return "it was cut in the midst of a tool call";
    this.#endPending();
    return this.#isBroken ? "the arguments of a tool call came in pieces that do not fit together" : undefined;
  }

  #thought(said: string, signature: string): void {
    this.isTextOpen = false;
    this.#writer.thinking(said);
    if (signature !== "") this.#state(signature, "thought");
  }

  #text(said: string, signature: string): void {
    if (signature === "") {
      if (said === "") return;
      this.#writer.text(said);
      this.isTextOpen = true;
      return;
    }
    if (this.isTextOpen || said === "") {
      this.#writer.text(said);
      this.#state(signature, "text");
      return;
    }
    this.#state(signature, "text");
    this.#writer.text(said);
    this.isTextOpen = true;
  }

  #state(data: string, kind: "call" | "text" | "thought"): void {
    this.#writer.state({ dialect: "gemini", provider: this.#provider, data, kind });
    this.isTextOpen = false;
  }

  #call(call: JsonObject, signature: string): void {
    const name = text(call, "name");
    if (name !== undefined) this.#begin(call, name, signature);
    const pieces = call["partialArgs"];
    if (Array.isArray(pieces)) for (const piece of pieces as readonly unknown[]) this.#pending?.add(piece);
    if (this.#pending !== undefined && call["willContinue"] !== true) this.#endPending();
  }

  #begin(call: JsonObject, name: string, signature: string): void {
    this.#endPending();
    const id = text(call, "id") ?? "";
    if (id !== "" && this.#ids.has(id)) return; // some repeat the whole call in the last chunk
    this.#ids.add(id);
    if (signature !== "") this.#state(signature, "call");
    this.isTextOpen = false;
    this.#calls += 1;
    this.#writer.call(this.#calls, id, name);
    if (call["willContinue"] === true || Array.isArray(call["partialArgs"])) {
      this.#pending = new PartialArguments();
      return;
    }
    this.#writer.callText(this.#calls, JSON.stringify(call["args"] ?? {}));
    this.#writer.endCall(this.#calls);
  }

  #endPending(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const { json } = pending;
    this.#isBroken ||= json === undefined;
    if (json === undefined) return;
    this.#writer.callText(this.#calls, json);
    this.#writer.endCall(this.#calls);
  }
}
