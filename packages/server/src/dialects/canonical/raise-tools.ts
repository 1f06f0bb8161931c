import type { AssistantPart, Tool } from "./conversation.ts";
import { isFailure } from "./collect.ts";
import type { Block, Reply, ReplyEvent, UpstreamFailure } from "./reply.ts";
import { commonIds, portableId } from "./tool-names.ts";

/*
 * What a provider answers, with the tools named as the caller knows them and the ids of calls as every dialect takes them: the
 * counterpart of `lower-tools.ts`. A call that came without an id gets one that no other call of any request has. Arguments
 * that are no JSON object are left as they are: whoever runs the tool must see that they are broken, and not an empty object.
 *
 * A call of a tool that takes any text was asked for as a function with the argument `input`; it is held until it is whole.
 */
export class ToolRaiser {
  readonly #changed: ReadonlyMap<string, Tool>;
  readonly #requestId: string;
  readonly #seen = new Set<string>();
  /** The text so far of a call that is held. */
  #held: string[] | undefined;
  #calls = 0;

  constructor(changed: ReadonlyMap<string, Tool>, requestId: string) {
    this.#changed = changed;
    this.#requestId = requestId;
  }

  reply(reply: Reply | UpstreamFailure): Reply | UpstreamFailure {
    return isFailure(reply) ? reply : { ...reply, parts: reply.parts.map((part) => this.#part(part)) };
  }

  /** Mostly the one event as it came. */
  event(event: ReplyEvent): readonly ReplyEvent[] {
    if (event.type === "block_start" && event.block.type === "tool_call") return [this.#begin(event.block)];
    if (this.#held === undefined) return [event];
    if (event.type === "block_delta") {
      this.#held.push(event.text);
      return [];
    }
    const text = inputIn(this.#held.join(""));
    this.#held = undefined;
    if (event.type !== "block_end") return [event]; // it broke off: nothing of it may be run
    return text === "" ? [event] : [{ type: "block_delta", text }, event];
  }

  #begin(block: Block & { readonly type: "tool_call" }): ReplyEvent {
    const tool = this.#changed.get(block.name);
    const isHeld = tool?.kind === "custom" && block.kind === "function";
    if (isHeld) this.#held = [];
    const name = tool?.name ?? block.name;
    return {
      type: "block_start",
      block: { type: "tool_call", id: this.#idOf(block.id), name, kind: isHeld ? "custom" : block.kind },
    };
  }

  #part(part: AssistantPart): AssistantPart {
    if (part.type !== "tool_call") return part;
    const tool = this.#changed.get(part.name);
    const isCustom = tool?.kind === "custom" && part.kind === "function";
    return {
      ...part,
      id: this.#idOf(part.id),
      name: tool?.name ?? part.name,
      kind: isCustom ? "custom" : part.kind,
      arguments: isCustom ? inputIn(part.arguments) : part.arguments,
    };
  }

  /** Two calls of a reply never share an id, whatever the provider says. */
  #idOf(id: string): string {
    this.#calls += 1;
    const own = `call_${this.#requestId}_${this.#calls}`;
    const portable = id === "" ? own : portableId(id, { ...noNames, ...commonIds });
    const unique = this.#seen.has(portable) ? own : portable;
    this.#seen.add(unique);
    return unique;
  }
}

const noNames = { name: /^/, mostNameLength: Number.POSITIVE_INFINITY, custom: true };

/** The argument `input`; all of the text, if that is not what it is. */
function inputIn(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("input" in value)) return text;
    return typeof value.input === "string" ? value.input : JSON.stringify(value.input);
  } catch {
    return text;
  }
}
