import { createHash } from "node:crypto";
import type { TokenUsage } from "../kernel/tokens.ts";
import type { Script, ScriptedCall } from "./script.ts";
import { callTool, chooseTool, type OfferedTool, type ToolCall, type ToolChoice } from "./tools.ts";
import { isObject } from "./wire.ts";

/** What a request asks, in no dialect. */
export interface Ask {
  readonly model: string;
  readonly stream: boolean;
  /** The last thing the user said. */
  readonly text: string;
  /** What tools returned since the model's last turn. */
  readonly toolOutputs: readonly string[];
  readonly tools: readonly OfferedTool[];
  readonly toolChoice: ToolChoice;
  /** Whether the model is to think first. */
  readonly thinks: boolean;
  readonly maxTokens: number | undefined;
  readonly prompt: PromptTokens;
}

export type PromptTokens = Omit<TokenUsage, "output" | "reasoning">;

/** What the made-up model answers, in no dialect. */
export interface Answer {
  readonly model: string;
  readonly thought: string | undefined;
  /** The text as deltas; their concatenation is the text. */
  readonly pieces: readonly string[];
  readonly calls: readonly ToolCall[];
  /** Why it ended; a tool call is told by `calls`. */
  readonly cut: boolean;
  readonly usage: TokenUsage;
}

/** A made-up answer. The same request and script give the same answer. */
export function answerTo(ask: Ask, script: Script): Answer {
  const calls = callsFor(ask, script);
  const thought = ask.thinks ? thoughtOn(ask) : undefined;
  const full = textFor(ask, script, calls);
  const reasoning = thought === undefined ? 0 : tokensOf(thought.length);
  const room = isScripted(script) || ask.maxTokens === undefined ? Number.POSITIVE_INFINITY : ask.maxTokens - reasoning;
  const text = shorten(full, room);
  const output =
    reasoning +
    tokensOf(Buffer.byteLength(text)) +
    calls.reduce((sum, call) => sum + 8 + tokensOf(call.input.length), 0);
  return {
    model: ask.model,
    thought,
    pieces: script.deltas === undefined ? wordsOf(text) : evenly(text, script.deltas),
    calls: text === full ? calls : [],
    cut: text !== full,
    usage: { ...ask.prompt, output, reasoning, ...script.usage },
  };
}

/** Four bytes are a token here. */
export function tokensOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 4);
}

function isScripted(script: Script): boolean {
  return (script.text ?? script.textBytes ?? script.deltas) !== undefined;
}

function callsFor(ask: Ask, script: Script): readonly ToolCall[] {
  if (script.toolCalls !== undefined) return script.toolCalls.map((call) => scriptedCall(call, ask.tools));
  if (ask.toolOutputs.length > 0) return [];
  const tool = chooseTool(ask.tools, ask.toolChoice, ask.text);
  return tool === undefined ? [] : [callTool(tool)];
}

function scriptedCall(call: ScriptedCall, offered: readonly OfferedTool[]): ToolCall {
  const tool = offered.find(
    (one) => one.name === call.name && (call.namespace === undefined || one.namespace === call.namespace),
  );
  return {
    name: call.name,
    namespace: call.namespace ?? tool?.namespace,
    kind: tool?.kind ?? "function",
    input: isObject(call.arguments) ? JSON.stringify(call.arguments) : call.arguments,
  };
}

const filler =
  "The gate stands open and the words go through it one after another, each in its place and none of them lost on the way. ";

function textFor(ask: Ask, script: Script, calls: readonly ToolCall[]): string {
  if (script.text !== undefined) return script.text;
  const sizeBytes = script.textBytes ?? (script.deltas === undefined ? undefined : script.deltas * 6);
  if (sizeBytes !== undefined) return filler.repeat(Math.ceil(sizeBytes / filler.length)).slice(0, sizeBytes);
  if (calls.length > 0) return "Let me run that for you.";
  if (ask.toolOutputs.length > 0)
    return `The tool has finished. This is what it returned:\n\n${ask.toolOutputs.join("\n").trim()}`;
  return `${openings[ask.text.length % openings.length]} Your message is ${ask.text.length} characters long, and all of it arrived. ${body}`;
}

const openings = [
  "Hello, and thanks for asking!",
  "Good to hear from you.",
  "Happy to help with that.",
  "That is a good place to start.",
];
const body =
  "I am the simulated model: I speak the same protocol as a real provider, word by word and with token counts, but no " +
  "provider was called and nothing was spent. You can try your client, your budget and your error handling on me as " +
  "often as you like. Send the same request to a real provider, and a real model answers it instead.";

function thoughtOn(ask: Ask): string {
  const task =
    ask.toolOutputs.length > 0
      ? "A tool has returned something; I should report it."
      : "A short, friendly answer will do.";
  return `The user wrote ${ask.text.length} characters. ${task}`;
}

/** The text, cut to so many tokens. */
function shorten(text: string, tokens: number): string {
  if (tokensOf(Buffer.byteLength(text)) <= tokens) return text;
  return new TextDecoder("utf-8").decode(Buffer.from(text).subarray(0, Math.max(0, tokens) * 4)).replace(/\ufffd$/, "");
}

/** The text in words, each with the blanks before it. */
export function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

/** A tool's input, torn where JSON readers do not expect it. */
export function piecesOf(input: string): readonly string[] {
  return input.match(/[^]{1,17}/gu) ?? [];
}

/** The text in so many pieces of about equal length; no character is torn. */
function evenly(text: string, count: number): readonly string[] {
  const characters = /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;
  const step = characters.length / count;
  return Array.from({ length: count }, (_, index) => {
    const piece = characters.slice(Math.round(index * step), Math.round((index + 1) * step));
    return typeof piece === "string" ? piece : piece.join("");
  });
}

/**
 * The seal on a thought, which the client must send back as it was: Anthropic's `signature`, OpenAI's
 * `encrypted_content`. It vouches for the text and for itself.
 */
export function sealThought(thought: string): string {
  const mark = digest(thought).subarray(0, 24);
  return Buffer.concat([mark, digest(mark).subarray(0, 24)]).toString("base64");
}

/** Whether a seal is one of ours, and of this thought if that is known. */
export function isThoughtSeal(seal: string, thought?: string): boolean {
  const bytes = Buffer.from(seal, "base64");
  if (bytes.toString("base64") !== seal || bytes.length !== 48) return false;
  if (!digest(bytes.subarray(0, 24)).subarray(0, 24).equals(bytes.subarray(24))) return false;
  return thought === undefined || sealThought(thought) === seal;
}

function digest(data: string | Buffer): Buffer {
  return createHash("sha256").update("simulated thought\n").update(data).digest();
}
