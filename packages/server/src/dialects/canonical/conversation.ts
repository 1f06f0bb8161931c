import type { Effort } from "../../kernel/model-traits.ts";
import type { DialectId } from "../dialect.ts";

/*
 * What a request asks, said in no dialect. A decoder makes a conversation of what a caller sent, an encoder makes of it what
 * a provider takes. Only what at least two dialects can say stands here; what but one can say is a loss.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export interface Conversation {
  /** What stands before the first turn, in its order. */
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  /** Whether several tools may be called in one turn. */
  readonly parallelTools?: boolean;
  readonly maxOutputTokens?: number;
  readonly sampling: Sampling;
  /** Texts that end the answer. */
  readonly stop: readonly string[];
  readonly reasoning?: Reasoning;
  readonly output?: OutputFormat;
  /** How wordy the answer is to be. */
  readonly verbosity?: "low" | "medium" | "high";
  /** Who asks, in the caller's own words. */
  readonly user?: string;
  /** Requests with the same key share a provider's cache. */
  readonly cacheKey?: string;
  /** `fast` is dearer and quicker; nothing is said of other tiers. */
  readonly speed?: "fast";
  readonly stream: boolean;
}

export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
}

export interface Reasoning {
  /** `none` asks for an answer without reasoning; absent where the caller leaves it to the model. */
  readonly effort?: Effort;
  /** Tokens, where the caller named a number. */
  readonly budgetTokens?: number;
  /** Whether the caller wants to read it. */
  readonly shown: boolean;
}

/** `json` is any JSON document. */
export type OutputFormat =
  | { readonly type: "json" }
  | {
      readonly type: "schema";
      readonly name: string;
      readonly description?: string;
      readonly schema: JsonObject;
      readonly strict?: boolean;
    };

export type Turn = SystemTurn | UserTurn | AssistantTurn;

/** Instructions that take force at this place. */
export interface SystemTurn {
  readonly role: "system";
  readonly parts: readonly TextPart[];
}

export interface UserTurn {
  readonly role: "user";
  readonly parts: readonly UserPart[];
}

export interface AssistantTurn {
  readonly role: "assistant";
  readonly parts: readonly AssistantPart[];
}

export type UserPart = TextPart | ImagePart | DocumentPart | AudioPart | ToolResultPart;
export type AssistantPart = TextPart | ThinkingPart | ToolCallPart | RefusalPart;
export type ResultPart = TextPart | ImagePart | DocumentPart;

export interface TextPart {
  readonly type: "text";
  readonly text: string;
  readonly citations?: readonly Citation[];
  readonly cache?: CacheMark;
}

/** A web page or document that a text rests on. */
export interface Citation {
  readonly url?: string;
  readonly title?: string;
  /** What is cited, word for word. */
  readonly quote?: string;
  /** Which part of the text it belongs to, in UTF-16 units; absent for all of it. */
  readonly start?: number;
  readonly end?: number;
}

/** All up to here may be kept by the provider, for about so long. */
export interface CacheMark {
  readonly ttl: "5m" | "1h";
}

/** `mediaType` in lower case, as registered: `image/jpeg`, not `image/jpg`. `data` is base64 (RFC 4648 §4), without line breaks. */
export type MediaSource =
  | { readonly kind: "base64"; readonly mediaType: string; readonly data: string }
  | { readonly kind: "url"; readonly url: string; readonly mediaType?: string }
  /** A file that lies at one provider. */
  | { readonly kind: "file"; readonly id: string; readonly origin: DialectId };

export interface ImagePart {
  readonly type: "image";
  readonly source: MediaSource;
  readonly detail?: "low" | "high";
  readonly cache?: CacheMark;
}

export interface DocumentPart {
  readonly type: "document";
  readonly source: MediaSource | { readonly kind: "text"; readonly text: string };
  readonly name?: string;
  readonly cache?: CacheMark;
}

export interface AudioPart {
  readonly type: "audio";
  readonly source: MediaSource;
}

export interface ThinkingPart {
  readonly type: "thinking";
  /** May be empty where there is a state. */
  readonly text: string;
  readonly state?: ReasoningState;
}

/**
 * What a provider wants back, byte for byte, to go on reasoning where it was. It means nothing to any other. It stands in the
 * thinking part before what it belongs to.
 */
export interface ReasoningState {
  readonly dialect: DialectId;
  /** The provider's id; empty where it is not known, as in what a caller brought of its own: any that speaks the dialect may have made it. */
  readonly provider: string;
  readonly data: string;
  /** How the dialect that made it keeps kinds of state apart, in its own words: `redacted`, `call`. */
  readonly kind?: string;
  /** What the dialect that made it calls the item it stands in. */
  readonly id?: string;
}

export interface ToolCallPart {
  readonly type: "tool_call";
  readonly id: string;
  /** As in `Conversation.tools`. */
  readonly name: string;
  /** `function`: JSON text, exactly as it was written. `custom`: any text. */
  readonly kind: ToolKind;
  readonly arguments: string;
  readonly cache?: CacheMark;
}

export interface ToolResultPart {
  readonly type: "tool_result";
  readonly callId: string;
  readonly kind: ToolKind;
  readonly parts: readonly ResultPart[];
  readonly isError: boolean;
  readonly cache?: CacheMark;
}

export interface RefusalPart {
  readonly type: "refusal";
  readonly text: string;
}

export type ToolKind = "function" | "custom";

export interface Tool {
  readonly kind: ToolKind;
  /** Unique among the tools. One of a namespace is `namespace__name`, but for the namespace `functions`. */
  readonly name: string;
  readonly description?: string;
  /** The JSON schema of a function's arguments; absent where it takes none, and of a custom tool. */
  readonly parameters?: JsonObject;
  readonly strict?: boolean;
  /** The grammar of a custom tool's input, if it has one. */
  readonly grammar?: { readonly syntax: "lark" | "regex"; readonly definition: string };
  /** What it is called by its caller, if it is in a namespace. */
  readonly within?: { readonly namespace: string; readonly name: string };
  readonly cache?: CacheMark;
}

/** `allowed`: only these of the tools, and at least one if `required`. */
export type ToolChoice =
  | { readonly type: "auto" | "any" | "none" }
  | { readonly type: "tool"; readonly name: string }
  | { readonly type: "allowed"; readonly names: readonly string[]; readonly required: boolean };
