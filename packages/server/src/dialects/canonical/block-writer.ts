import type { TokenUsage } from "../../kernel/tokens.ts";
import type { Citation, ReasoningState, ToolKind } from "./conversation.ts";
import type { Finish, ReplyEvent, UpstreamFailure } from "./reply.ts";

const mostBlocks = 4_000;
/** Of a reply, in UTF-16 units. */
const mostText = 16 * 1024 * 1024;

/*
 * Puts what a provider's stream says into the order of reply events, so that every decoder may say things as they come: text
 * between the parts of a call, several calls at a time, an end before the counts.
 *
 * States: *before* – nothing was said. *open* – a block is open. *between* – none is. *over* – finished or failed; whatever is
 * said then is passed over.
 *
 * A call is known by a key of the decoder's choosing, such as its index. Only one call is written as it comes: the first that
 * is open. What comes for another meanwhile is held, and written as a block of its own once that one has ended, which it does
 * when text or reasoning comes, or with the reply; if more of it comes then, the stream fails, for a part of a call must not be
 * taken for the whole. A call of which the name is not known yet is held too; if it never comes, the reply is broken, unless
 * nothing at all came of that call. Empty texts open nothing. A reply of more blocks or more text than any has is broken, too: a
 * provider could send them without end, and they are held here and further on.
 */
export class BlockWriter {
  #events: ReplyEvent[] = [];
  #state: "before" | "open" | "between" | "over" = "before";
  #open: "text" | "thinking" | "refusal" | Call | undefined;
  #citations: Citation[] = [];
  /** In the order in which they began; those that were written are `done`. */
  readonly #calls = new Map<string | number, Call>();
  #held: Call[] = [];

  /** What was said since this was called last. */
  take(): readonly ReplyEvent[] {
    const taken = this.#events;
    this.#events = [];
    return taken;
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Whether any block was begun, be it written or held. */
  get isEmpty(): boolean {
    return this.#state === "before" || (this.#state === "between" && !this.#began);
  }

  get hasCalls(): boolean {
    return this.#calls.size > 0;
  }

  #began = false;
  /** Begun so far, written or held, and how much was said in them. */
  #blocks = 0;
  #length = 0;
  /** Whether a call was written. */
  #called = false;

  start(id?: string): void {
    if (this.#state !== "before") return;
    this.#state = "between";
    this.#events.push(id === undefined || id === "" ? { type: "start" } : { type: "start", id });
  }

  text(text: string): void {
    this.#write("text", text);
  }

  refusal(text: string): void {
    this.#write("refusal", text);
  }

  thinking(text: string): void {
    this.#write("thinking", text);
  }

  /** Of the thinking block that is open, or of an empty one; it ends with it. */
  state(state: ReasoningState): void {
    if (this.#state === "over") return;
    if (this.#open !== "thinking" && !this.#begin("thinking")) return;
    this.#events.push({ type: "block_end", state });
    this.#open = undefined;
    this.#state = "between";
  }

  /** Of the text block that is open, or of the one before, which is then too late and passed over. */
  cite(citation: Citation): void {
    if (this.#open === "text") this.#citations.push(citation);
  }

  hasCall(key: string | number): boolean {
    return this.#calls.has(key);
  }

  /** Begins a call, or tells more of one that began: an empty id or name says nothing, a second one is passed over. */
  call(key: string | number, id: string, name: string, kind: ToolKind = "function"): void {
    if (this.#state === "over") return;
    const call = this.#calls.get(key) ?? this.#newCall(key, kind);
    if (call === undefined) return;
    if (call.id === "") call.id = id;
    if (call.name === "") call.name = name;
    this.#advance(call);
  }

  /** More of a call's arguments. */
  callText(key: string | number, text: string): void {
    const call = this.#calls.get(key);
    if (call === undefined || text === "" || this.#state === "over") return;
    if (call.done) return this.fail({ kind: "broken", status: 200, message: "a tool call went on after it had ended" });
    if (!this.#holds(text)) return;
    call.length += text.length;
    if (this.#open === call) this.#events.push({ type: "block_delta", text });
    else call.held.push(text);
    this.#advance(call);
  }

  /** How much of a call's arguments was said so far, in UTF-16 units. */
  callLength(key: string | number): number {
    return this.#calls.get(key)?.length ?? 0;
  }

  /** A call of which no more will come. */
  endCall(key: string | number): void {
    const call = this.#calls.get(key);
    if (call === undefined || call.done) return;
    call.ended = true;
    if (this.#open === call) this.#endOpen();
    this.#writeHeld();
  }

  /** Ends what is open, so that what comes next is a block of its own. */
  endBlock(): void {
    this.#endOpen();
  }

  finish(finish: Finish, usage: TokenUsage | undefined): void {
    if (this.#state === "over") return;
    this.start();
    this.#endAll();
    if (this.#held.some(saysSomething)) {
      return this.fail({ kind: "broken", status: 200, message: "a tool call has no name" });
    }
    this.#events.push({ type: "finish", finish: this.#agreed(finish), usage });
    this.#state = "over";
  }

  /** There are calls if and only if it ended for them, unless it was cut. */
  #agreed(finish: Finish): Finish {
    const { reason } = finish;
    if (!this.#called) return reason === "tool_calls" ? { reason: "end" } : finish;
    return reason === "length" || reason === "window_full" || reason === "refusal" ? finish : { reason: "tool_calls" };
  }

  /** Where it stands: a call that is open stays without its end, so that nobody takes it for whole. */
  fail(failure: UpstreamFailure): void {
    if (this.#state === "over") return;
    this.start();
    this.#events.push({ type: "failure", failure });
    this.#state = "over";
    this.#open = undefined;
    this.#held = [];
  }

  #write(kind: "text" | "thinking" | "refusal", text: string): void {
    if (text === "" || this.#state === "over") return;
    if (this.#open !== kind && !this.#begin(kind)) return;
    if (this.#holds(text)) this.#events.push({ type: "block_delta", text });
  }

  /** Whether there may be one more; the reply fails otherwise. */
  #admits(): boolean {
    this.#blocks += 1;
    if (this.#blocks <= mostBlocks) return true;
    this.fail({ kind: "broken", status: 200, message: `the reply has more than ${mostBlocks} parts` });
    return false;
  }

  /** Whether there may be that much more; the reply fails otherwise. */
  #holds(text: string): boolean {
    this.#length += text.length;
    if (this.#length <= mostText) return true;
    this.fail({ kind: "broken", status: 200, message: `the reply has more than ${mostText} characters` });
    return false;
  }

  #begin(kind: "text" | "thinking" | "refusal"): boolean {
    if (!this.#admits()) return false;
    this.start();
    this.#endAll();
    this.#began = true;
    this.#open = kind;
    this.#state = "open";
    this.#events.push({ type: "block_start", block: { type: kind } });
    return true;
  }

  #newCall(key: string | number, kind: ToolKind): Call | undefined {
    if (!this.#admits()) return undefined;
    const call: Call = { id: "", name: "", kind, held: [], length: 0, ended: false, done: false };
    this.#calls.set(key, call);
    this.#held.push(call);
    this.#began = true;
    return call;
  }

  /** Writes a held call as far as it can be written now. */
  #advance(call: Call): void {
    if (call.done || this.#open === call || call.name === "") return;
    if (typeof this.#open === "object" || this.#held[0] !== call) return;
    this.#endOpen();
    this.#beginCall(call);
  }

  #beginCall(call: Call): void {
    this.start();
    const { id, name, kind } = call;
    this.#held = this.#held.filter((each) => each !== call);
    this.#open = call;
    this.#called = true;
    this.#state = "open";
    this.#events.push({ type: "block_start", block: { type: "tool_call", id, name, kind } });
    for (const text of call.held.splice(0)) this.#events.push({ type: "block_delta", text });
  }

  /** Calls that waited for the one that was open: whole ones are written, and the first that is not is open now. */
  #writeHeld(): void {
    for (const call of this.#held) {
      if (this.#open !== undefined || call.name === "") return;
      this.#beginCall(call);
      if (call.ended) this.#endOpen();
    }
  }

  #endOpen(): void {
    const open = this.#open;
    if (open === undefined) return;
    const citations = open === "text" && this.#citations.length > 0 ? this.#citations.splice(0) : undefined;
    this.#events.push(citations === undefined ? { type: "block_end" } : { type: "block_end", citations });
    if (typeof open === "object") open.done = true;
    this.#open = undefined;
    this.#state = "between";
  }

  /** Everything that is open or held is written and ended, whatever else might have come of it; but for what has no name. */
  #endAll(): void {
    this.#endOpen();
    for (const call of this.#held.filter(({ name }) => name !== "")) {
      this.#beginCall(call);
      this.#endOpen();
    }
  }
}

/** Some servers begin calls of which nothing ever comes. */
function saysSomething({ id, length }: Call): boolean {
  return id !== "" || length > 0;
}

interface Call {
  id: string;
  name: string;
  readonly kind: ToolKind;
  /** Parts of the arguments that wait. */
  readonly held: string[];
  length: number;
  ended: boolean;
  done: boolean;
}
