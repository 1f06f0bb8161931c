import { recordingOf, subtitles } from "./audio.ts";
import type { Failure } from "./failure.ts";
import { isFile } from "./form.ts";
import type { Call, Errand, Page, Product, Service } from "./vendor.ts";

/* The server of whisper.cpp (examples/server, 2026), started without a converter: it takes WAV only. */

export const inference: Service = {
  house: "whisper-cpp",
  takes: "form",
  check: checkForm,
  serve: hear,
};

export const health: Page = {
  house: "whisper-cpp",
  method: "GET",
  check: () => undefined,
  reply: () => JSON.stringify({ status: "ok" }),
};

/** Its handler of errors puts this in the place of every reason; what an exception says is written behind the status. */
const refused: Failure = { status: 400, message: "Invalid request" };

function checkForm({ body: { file, temperature } }: Call): Failure | undefined {
  if (!isFile(file) || file.bytes.toString("latin1", 0, 4) !== "RIFF") return refused;
  const isNumber = typeof temperature !== "string" || /^-?\d/.test(temperature);
  return isNumber ? undefined : { status: 500, message: "500 Internal Server Error\nstof" };
}

/** Every segment begins with a space and ends with a line. */
function hear(errand: Errand): Product {
  const { body } = errand.call;
  const { text, seconds } = recordingOf(errand);
  const written = ` ${text}\n`;
  switch (body["response_format"]) {
    case "text":
      return { contentType: "text/html; charset=utf-8", parts: [written] };
    case "srt":
      return { contentType: "application/x-subrip", parts: [subtitles("srt", ` ${text}`, seconds)] };
    case "vtt":
      return { contentType: "text/vtt", parts: [subtitles("vtt", ` ${text}`, seconds)] };
    case "verbose_json": {
      const task = body["translate"] === "true" ? "translate" : "transcribe";
      const segments = [{ id: 0, text: ` ${text}`, start: 0, end: seconds, tokens: [1], temperature: 0, words: [] }];
      return { json: { task, language: "english", duration: seconds, text: written, segments } };
    }
    default:
      return { json: { text: written } };
  }
}
