import type { TokenUsage } from "../../kernel/tokens.ts";
import { isCut } from "../canonical/cut-call.ts";
import type { Block, Finish, ReplyEvent } from "../canonical/reply.ts";
import { argumentsObject } from "../canonical/wire.ts";
import type { ReplyContext, StreamEncoder } from "../codec.ts";
import type { Failure } from "../dialect.ts";
import { brokenCall, endOf, headOf, isGenerate, refusalText } from "./encode-reply.ts";
import { encodeFailureEvent } from "./failure.ts";

/*
 * Lines of JSON, one for each piece of text.
 *
 * A call is held until it is whole, because its arguments are an object. One whose arguments turn out to be none makes the
 * stream fail with the next event: left out, or with an empty object for them, the answer would look as if it was whole. Only
 * where the next event says that the answer was cut there, it is left out: then it says by itself that it is not whole.
 */
export function createStreamEncoder(context: ReplyContext): StreamEncoder {
  const lines = linesFor(context);
  let block: Block["type"] = "text";
  let call: { readonly id: string; readonly name: string; text: string } | undefined;
  let calls = 0;
  let isBroken = false;
  let isEmpty = true;
  let isOver = false;

  const fail = (failure: Failure): string => {
    isOver = true;
    return encodeFailureEvent(failure).toString("utf8");
  };

  function delta(text: string): string {
    if (call !== undefined) {
      call.text += text;
      return "";
    }
    if (block === "thinking") return lines.thinking + JSON.stringify(text) + lines.behind;
    isEmpty = false;
    return lines.text + JSON.stringify(text) + lines.behind;
  }

  function callEnd(whole: NonNullable<typeof call>): string {
    call = undefined;
    isEmpty = false;
    isBroken = argumentsObject(whole.text) === undefined;
    if (isBroken) return "";
    const name = `{"index":${calls++},"name":${JSON.stringify(whole.name)}`;
    const called = `{"id":${JSON.stringify(whole.id)},"function":${name},"arguments":${inLine(whole.text)}}}`;
    return `${lines.calls}[${called}]${lines.behind}`;
  }

  function finish(end: Finish, usage: TokenUsage | undefined): string {
    isOver = true;
    const refusal = isEmpty ? refusalText(end) : "";
    const before = refusal === "" ? "" : lines.text + JSON.stringify(refusal) + lines.behind;
    return before + lines.last(end, usage);
  }

  return {
    push(event: ReplyEvent): string {
      if (isOver) return "";
      if (isBroken && !(event.type === "finish" && isCut(event.finish))) throw brokenCall();
      switch (event.type) {
        case "block_delta":
          return delta(event.text);
        case "block_start":
          block = event.block.type;
          if (event.block.type === "tool_call") call = { id: event.block.id, name: event.block.name, text: "" };
          return "";
        case "block_end":
          return call === undefined ? "" : callEnd(call);
        case "finish":
          return finish(event.finish, event.usage);
        case "start":
        case "failure":
          return "";
      }
    },
    fail,
    /** A line without text, such as engines send too; blank lines are errors to some clients. */
    ping: () => (isOver ? "" : `${lines.text}""${lines.behind}`),
  };
}

/** A JSON object as it was written, so that its numbers stay what they are; a line end can only stand between its parts. */
function inLine(text: string): string {
  return text.trim() === "" ? "{}" : text.replaceAll(/[\r\n]/g, " ");
}

/** The beginnings and ends of lines. */
interface Lines {
  readonly text: string;
  readonly thinking: string;
  readonly calls: string;
  readonly behind: string;
  last(finish: Finish, usage: TokenUsage | undefined): string;
}

function linesFor(context: ReplyContext): Lines {
  const generate = isGenerate(context);
  const head = headOf(context);
  const open = JSON.stringify(head).slice(0, -1);
  const text = generate ? `${open},"response":` : `${open},"message":{"role":"assistant","content":`;
  const empty = generate ? { response: "" } : { message: { role: "assistant", content: "" } };
  return {
    text,
    thinking: `${text}"","thinking":`,
    calls: `${text}"","tool_calls":`,
    behind: generate ? ',"done":false}\n' : '},"done":false}\n',
    last: (finish, usage) => `${JSON.stringify({ ...head, ...empty, ...endOf(finish, usage, generate) })}\n`,
  };
}
