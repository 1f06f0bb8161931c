import type { BlockWriter } from "../canonical/block-writer.ts";
import type { JsonObject, ReasoningState } from "../canonical/conversation.ts";
import { argumentsObject, isObject } from "../canonical/wire.ts";
import { text } from "../counter.ts";

/*
 * The pieces of calls in a stream, told apart. OpenAI numbers the calls and names each in its first piece. Others leave the number
 * out, or number all calls alike, leave the id empty, name the call in each piece, give the arguments as an object, or repeat a
 * call, whole, at the end. What is said here is what the same stream would have said with numbers.
 *
 * A piece belongs to the call with its number; without a number, to the call with its id; without either, to the last call. It
 * begins a new call where there is none such; and also where it has a name and the call that it would belong to cannot go on: its
 * arguments are whole, or it has another id and no arguments yet. But a piece that says what the whole call said is a repetition.
 */
export class CallPieces {
  readonly #writer: BlockWriter;
  readonly #provider: string;
  /** In a reply that is one document each is whole, and none repeats another. */
  readonly #areWhole: boolean;
  readonly #byIndex = new Map<unknown, Call>();
  readonly #byId = new Map<string, Call>();
  #last: Call | undefined;
  #count = 0;

  constructor(writer: BlockWriter, provider: string, areWhole: boolean) {
    this.#writer = writer;
    this.#provider = provider;
    this.#areWhole = areWhole;
  }

  push(given: unknown): void {
    if (!isObject(given)) return;
    const piece = pieceIn(given);
    const known = this.#areWhole ? undefined : this.#find(given["index"], piece.id);
    if (known !== undefined && isRepetition(known, piece)) return;
    const call = known === undefined || beginsAnew(known, piece) ? this.#begin(given, piece) : known;
    if (call.id === "") call.id = piece.id;
    this.#writer.call(call.key, piece.id, piece.name, call.isCustom ? "custom" : "function");
    this.#writer.callText(call.key, piece.text);
    call.text += piece.text;
    if (piece.text.trim() !== "") call.tail = piece.text;
  }

  /** `function_call`, which is how one call was streamed before there were tools. */
  pushOld(given: unknown): void {
    if (isObject(given)) this.push({ index: "function_call", function: given });
  }

  #find(index: unknown, id: string): Call | undefined {
    if (typeof index === "number" || typeof index === "string") return this.#byIndex.get(index);
    return id === "" ? this.#last : this.#byId.get(id);
  }

  #begin(given: JsonObject, { id, isCustom }: Piece): Call {
    const call: Call = { key: this.#count, id, isCustom, text: "", tail: "" };
    this.#count += 1;
    const before = this.#last;
    const isFree = before === undefined || isWhole(before);
    if (before !== undefined && isFree) this.#writer.endCall(before.key);
    const signature = text(given, "extra_content", "google", "thought_signature");
    if (signature !== undefined && isFree) this.#writer.state(this.#stateOf(signature)); // it ends what is open
    this.#byIndex.set(given["index"], call);
    if (id !== "") this.#byId.set(id, call);
    this.#last = call;
    return call;
  }

  #stateOf(data: string): ReasoningState {
    return { dialect: "openai-chat", provider: this.#provider, data, kind: "call" };
  }
}

interface Call {
  readonly key: number;
  id: string;
  readonly isCustom: boolean;
  text: string;
  /** The last piece that was not blank. */
  tail: string;
}

/** Of a call: whatever of it the provider says, else empty. */
interface Piece {
  readonly id: string;
  readonly name: string;
  readonly isCustom: boolean;
  readonly text: string;
}

function pieceIn(given: JsonObject): Piece {
  const { function: called, custom } = given;
  const isCustom = isObject(custom) && !isObject(called);
  const body = isCustom ? custom : called;
  const said = isObject(body) ? body[isCustom ? "input" : "arguments"] : undefined;
  const whole = typeof said === "object" && said !== null ? JSON.stringify(said) : "";
  return {
    id: text(given, "id") ?? "",
    name: text(body, "name") ?? "",
    isCustom,
    text: typeof said === "string" ? said : whole,
  };
}

/** Whether nothing can come behind these arguments. */
function isWhole({ text: said, tail, isCustom }: Call): boolean {
  return !isCustom && tail.trimEnd().endsWith("}") && argumentsObject(said) !== undefined;
}

/** Behind whole arguments, the same ones once more are no part of anything. */
function isRepetition(call: Call, { id, name, text: said }: Piece): boolean {
  if (name === "" || (id !== "" && id !== call.id) || call.text === "") return false;
  return said === call.text && (call.isCustom || isWhole(call));
}

function beginsAnew(call: Call, { id, name, text: said }: Piece): boolean {
  if (name === "") return false;
  const isOther = id !== "" && call.id !== "" && id !== call.id;
  if (call.text === "") return isOther;
  return isWhole(call) && (isOther || said.trim() !== "");
}
