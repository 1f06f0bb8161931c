/** Bodies as large as a gateway takes, each made to keep it busy at one place. */
import { places } from "./raw-request.ts";

export interface LargeBody {
  readonly name: string;
  readonly path: string;
  readonly status: number;
  /** Made when it is asked for: all of them together would fill the memory. */
  body(): string;
}

const limitBytes = 32 * 1024 * 1024;

/** The text with `…` replaced by as many of the unit as there is room for. */
function filled(text: string, unit: string): string {
  const [before = "", behind = ""] = text.split("…");
  const room = limitBytes - Buffer.byteLength(before) - Buffer.byteLength(behind);
  return before + unit.repeat(Math.floor(room / Buffer.byteLength(unit))) + behind;
}

const chat = places.chat.path;
const question = '"messages":[{"role":"user","content":"hello"}]';
const chatModel = '"model":"sim-chat/test-model"';

/** Name, status, text around, unit. */
type Row = readonly [name: string, status: number, text: string, unit: string, path?: string];

const refused: readonly Row[] = [
  ["keys in escapes", 400, '{…"a":1}', '"\\u006d\\u006f\\u0064\\u0065\\u006c\\u006d":1,'],
  ["long keys in escapes", 400, '{…"a":1}', `"${"\\u006d".repeat(100)}":1,`],
  ["keys like `__proto__`", 400, '{"a":{…"a":1}}', '"__proto_":1,'],
  ["white space", 400, '{"a":…1}', " \t"],
  ["white space between values", 400, '{"a":[…1]}', `1,${" ".repeat(1_000)}`],
  ["arrays in arrays", 400, '{"a":…', "["],
  ["numbers", 400, '{"a":[…1]}', "1,"],
  ["objects beside each other", 400, '{"a":[…1]}', '{"b":[]},'],
  ["large numbers", 400, '{"a":[…1]}', `${"1".repeat(300)}e0,`],
  ["one key", 400, '{"…":1}', "\\u0041"],
  ["one number", 400, '{"a":…}', "1"],
  ["escapes", 400, '{"a":"…"}', "\\u0041"],
  ["escapes and letters by turns", 400, '{"a":["…"]}', "a\\n"],
  ["another script", 400, '{"a":["…"]}', "漢"],
  ["a string without end", 400, `{${chatModel},"a":"…`, "x"],
  ["a model's name", 400, '{"model":"…"}', "\\n"],
  ["options", 400, `{${chatModel},${question},"stream":true,"stream_options":{"a":[…1]}}`, "11111111111,"],
];

const served: readonly Row[] = [
  ["text before the model's name", 200, `{"messages":[{"role":"user","content":"…"}],${chatModel}}`, "\\u00e9a"],
  [
    "the letter that envelopes are looked for by",
    200,
    `{${chatModel},"messages":[{"role":"user","content":"…"}]}`,
    "X",
  ],
  ["text to be spoken", 400, '{"model":"sim-chat/tts-1","voice":"alloy","input":"…"}', "\\n", "/v1/audio/speech"],
  [
    "requests of a batch",
    200,
    '{"requests":[…{"model":"models/x","content":{"parts":[{"text":"a"}]}}]}',
    `{"model":"models/x","content":{"parts":[{"text":"${"\\u0041".repeat(7_000)}"}]}},`,
    "/v1beta/models/sim-gemini/gemini-embedding-001:batchEmbedContents",
  ],
  [
    "one request of a batch",
    200,
    '{"requests":[{"content":{"parts":[{"text":"…"}]},"model":"models/x"}]}',
    "\\u0041",
    "/v1beta/models/sim-gemini/gemini-embedding-001:batchEmbedContents",
  ],
  [
    "a request to be counted",
    200,
    '{"generateContentRequest":{"contents":[{"parts":[…{"text":"a"}]}],"model":"models/x"}}',
    `{"text":"${"\\n".repeat(100)}"},`,
    "/v1beta/models/sim-gemini/gemini-3-flash:countTokens",
  ],
  [
    "a question to an engine",
    200,
    '{"model":"sim-ollama/llama3","stream":false,"keep_alive":0,"messages":[…{"role":"user","content":"a"}]}',
    `{"role":"user","content":"${"\\n".repeat(100)}"},`,
    "/api/chat",
  ],
  ["a time to keep a model", 403, '{"model":"sim-ollama/llama3","keep_alive":"…s"}', "0", "/api/generate"],
];

export function largeBodies(): readonly LargeBody[] {
  return [...refused, ...served].map(([name, status, text, unit, path = chat]) => ({
    name,
    status,
    path,
    body: () => filled(text, unit),
  }));
}
