import type { JsonObject } from "../canonical/conversation.ts";

/** Writes the events of one stream, each with its number. Of a delta, all but the number and the text is made beforehand. */
export class EventFrames {
  #sequence = 0;
  #head = "";
  #place = "";
  #tail = "";

  event(type: string, fields: JsonObject): string {
    return `${this.#start(type)},${JSON.stringify(fields).slice(1)}\n\n`;
  }

  /** An event about the whole response, which is given as JSON. */
  about(type: string, response: string): string {
    return `${this.#start(type)},"response":${response}}\n\n`;
  }

  /** An item is whole; it is given as JSON. */
  done(index: number, item: string): string {
    return `${this.#start("response.output_item.done")},"output_index":${index},"item":${item}}\n\n`;
  }

  /** What the deltas from here on will be. */
  prepare(type: string, place: JsonObject, tail: string = ""): void {
    this.#head = `event: ${type}\ndata: {"type":"${type}","sequence_number":`;
    this.#place = `,${JSON.stringify(place).slice(1, -1)},"delta":`;
    this.#tail = `${tail}}\n\n`;
  }

  delta(text: string): string {
    return `${this.#head}${this.#sequence++}${this.#place}${JSON.stringify(text)}${this.#tail}`;
  }

  #start(type: string): string {
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#sequence++}`;
  }
}
