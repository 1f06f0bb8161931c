import { AppError } from "../../kernel/errors.ts";
import type { JsonObject, ResultPart, TextPart, ThinkingPart, ToolKind } from "../canonical/conversation.ts";
import { invalid, isObject, listAt, objectAt, optionalText, textAt } from "../canonical/wire.ts";
import { text } from "../counter.ts";
import { type ContentPart, decodeContent, textsIn } from "./decode-content.ts";
import { callIdOf, decodeServedCall, decodeServedOutput, servedCalls, servedOutputs } from "./decode-served-calls.ts";
import { addAssistant, addResult, addUser, type Reading } from "./reading.ts";

type ItemReader = (item: JsonObject, path: string, reading: Reading) => void;

/** Reads the conversation, and the tools that items of it bring. */
export function decodeInput(input: unknown, reading: Reading): void {
  if (input === undefined || input === null) throw new AppError("missing_field", { field: "input" });
  if (typeof input === "string") return addUser([{ type: "text", text: input }], reading);
  const items = listAt(input, "input").map((item, index) => objectAt(item, `input[${index}]`));
  for (const [index, item] of items.entries()) survey(item, `input[${index}]`, reading);
  for (const [index, item] of items.entries()) decodeItem(item, `input[${index}]`, reading);
}

/** What must be known before the first item is read. */
function survey(item: JsonObject, path: string, { tools, answered }: Reading): void {
  const type = typeOf(item);
  if (type === "additional_tools" || type === "tool_search_output") tools.addAll(item["tools"], `${path}.tools`);
  const id = servedOutputs.has(type) || type.endsWith("_call_output") ? callIdOf(item) : undefined;
  if (id !== undefined) answered.add(id);
}

/** Messages may come without a type; what has nothing but an id refers to something that was kept. */
function typeOf(item: JsonObject): string {
  const type = item["type"];
  if (typeof type === "string") return type;
  return item["role"] === undefined && item["id"] !== undefined ? "item_reference" : "message";
}

function decodeItem(item: JsonObject, path: string, reading: Reading): void {
  const type = typeOf(item);
  const read = readers.get(type);
  if (read !== undefined) return read(item, path, reading);
  if (servedCalls.has(type)) return decodeServedCall(item, path, reading);
  if (servedOutputs.has(type)) return decodeServedOutput(item, path, reading);
  reading.losses.dropped(path, `no other dialect has items of the type \`${type.slice(0, 60)}\``);
}

const nothing: ItemReader = () => undefined;

const readers: ReadonlyMap<string, ItemReader> = new Map(
  Object.entries<ItemReader>({
    message: decodeMessage,
    reasoning: decodeReasoning,
    function_call: (item, path, reading) => decodeCall(item, path, reading, "function"),
    custom_tool_call: (item, path, reading) => decodeCall(item, path, reading, "custom"),
    function_call_output: (item, path, reading) => decodeOutput(item, path, reading, "function"),
    custom_tool_call_output: (item, path, reading) => decodeOutput(item, path, reading, "custom"),
    agent_message: decodeAgentMessage,
    additional_tools: nothing,
    tool_search_call: nothing,
    tool_search_output: nothing,
    configuration_update(item, _path, reading) {
      reading.update = { ...reading.update, ...item };
    },
    item_reference(_item, path) {
      throw invalid(
        path,
        "refers to an item that is not kept here any more; send the item itself, as clients do that set `store: false`",
      );
    },
    compaction(_item, path, { losses }) {
      losses.dropped(path, "only the provider that made it can read it");
    },
  }),
);

function decodeMessage(item: JsonObject, path: string, reading: Reading): void {
  const content = decodeContent(item["content"], `${path}.content`, reading.losses);
  switch (item["role"]) {
    case "user":
      return addUser(keep(content, isUserPart, path, reading), reading);
    case "assistant":
      return addAssistant(keep(content, isAnswerPart, path, reading), reading);
    case "system":
    case "developer":
      return addSystem(keep(content, isTextPart, path, reading), reading);
    default:
      throw invalid(`${path}.role`, "must be `user`, `assistant`, `developer` or `system`");
  }
}

/** Instructions before the first turn are those of the whole conversation. */
function addSystem(parts: readonly TextPart[], { system, turns }: Reading): void {
  if (turns.length === 0) system.push(...parts);
  else if (parts.length > 0) turns.push({ role: "system", parts });
}

function keep<Kept extends ContentPart>(
  content: readonly ContentPart[],
  isKept: (part: ContentPart) => part is Kept,
  path: string,
  { losses }: Reading,
): readonly Kept[] {
  return content.filter((part): part is Kept => {
    const kept = isKept(part);
    if (!kept) losses.dropped(`${path}.${part.type}`, "a message of this role has none in other dialects");
    return kept;
  });
}

function isTextPart(part: ContentPart): part is TextPart {
  return part.type === "text";
}

function isUserPart(part: ContentPart): part is Exclude<ContentPart, { type: "refusal" }> {
  return part.type !== "refusal";
}

function isAnswerPart(part: ContentPart): part is ContentPart & { type: "text" | "refusal" } {
  return part.type === "text" || part.type === "refusal";
}

function isResultPart(part: ContentPart): part is ContentPart & ResultPart {
  return part.type === "text" || part.type === "image" || part.type === "document";
}

/** A state of ours, one of the caller's own provider, or only a text. */
function decodeReasoning(item: JsonObject, path: string, reading: Reading): void {
  const summary = textsIn(item["summary"]);
  const thought = (summary.length > 0 ? summary : textsIn(item["content"])).join("\n\n");
  const data = optionalText(item["encrypted_content"], `${path}.encrypted_content`) ?? "";
  const part: ThinkingPart = { type: "thinking", text: thought };
  if (data === "") {
    if (thought === "") reading.losses.dropped(path, "the reasoning itself was kept by the provider that made it");
    else addAssistant([part], reading);
    return;
  }
  const opened = reading.seal.open(data);
  if (opened === "forged") {
    reading.losses.dropped(`${path}.encrypted_content`, "it was not sealed by this gateway, or under another key");
    if (thought !== "") addAssistant([part], reading);
    return;
  }
  const id = text(item, "id");
  const own = { dialect: "openai-responses", provider: "", data, ...(id !== undefined && { id }) } as const;
  const state = opened ?? own;
  addAssistant([state.data === "" ? part : { ...part, state }], reading);
}

function decodeCall(item: JsonObject, path: string, reading: Reading, kind: ToolKind): void {
  const name = textAt(item["name"], `${path}.name`);
  const namespace = optionalText(item["namespace"], `${path}.namespace`);
  const field = kind === "custom" ? "input" : "arguments";
  const given = item[field];
  const call = {
    type: "tool_call",
    id: textAt(item["call_id"], `${path}.call_id`),
    name: reading.tools.nameOf(name, namespace),
    kind,
    arguments: isObject(given) ? JSON.stringify(given) : textAt(given, `${path}.${field}`),
  } as const;
  addAssistant([call], reading);
}

/** An output that names no call, as one that comes later does, is told as text. */
function decodeOutput(item: JsonObject, path: string, reading: Reading, kind: ToolKind): void {
  const content = decodeContent(item["output"], `${path}.output`, reading.losses);
  const parts = keep(content, isResultPart, path, reading);
  const callId = optionalText(item["call_id"], `${path}.call_id`);
  if (callId !== undefined) return addResult(callId, kind, parts, false, reading);
  reading.losses.changed(path, "it names no call; it is told as text");
  addUser([{ type: "text", text: `[Result of ${text(item, "name") ?? "a tool"}]` }, ...parts], reading);
}

/** What one agent told another, which some clients keep apart from what people say. */
function decodeAgentMessage(item: JsonObject, path: string, reading: Reading): void {
  const given = item["content"] ?? item["message"] ?? item["text"];
  const said = keep(decodeContent(given, `${path}.content`, reading.losses), isUserPart, path, reading);
  const author = text(item, "author");
  reading.losses.changed(path, "it is told as a message of the user's");
  const head: readonly TextPart[] = author === undefined ? [] : [{ type: "text", text: `[Message from ${author}]` }];
  if (said.length > 0) addUser([...head, ...said], reading);
}
