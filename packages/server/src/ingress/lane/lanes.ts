import type { Socket } from "node:net";
import { Slots } from "../../kernel/slots.ts";
import { TurnWrites } from "../../kernel/turn-writes.ts";
import type { Allowed } from "../callers.ts";
import { Lane, type LaneParts, type PlainPlane } from "./lane.ts";

export interface LaneTimes {
  readonly headTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly keepAliveMs: number;
}

/** How exact the times of lanes are, and the `date` of their replies. */
const tickMs = 500;

/** The lanes of a listener. */
export class Lanes implements LaneParts {
  readonly plane: PlainPlane;
  readonly rules: Allowed;
  readonly giveToNode: (socket: Socket) => void;
  headTimeoutMs = 0;
  writeTimeoutMs = 0;
  keepAliveMs = 0;
  isOpen = true;
  readonly writes = new TurnWrites();
  date = new Date().toUTCString();
  readonly #lanes = new Slots<Lane>();
  readonly #timer: NodeJS.Timeout;

  constructor(plane: PlainPlane, rules: Allowed, times: LaneTimes, giveToNode: (socket: Socket) => void) {
    this.plane = plane;
    this.rules = rules;
    this.giveToNode = giveToNode;
    this.adopt(times);
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
  }

  open(socket: Socket): void {
    const slot: number = this.#lanes.add(new Lane(socket, this, () => this.#lanes.remove(slot)));
  }

  adopt({ headTimeoutMs, writeTimeoutMs, keepAliveMs }: Partial<LaneTimes>): void {
    this.headTimeoutMs = headTimeoutMs ?? this.headTimeoutMs;
    this.writeTimeoutMs = writeTimeoutMs ?? this.writeTimeoutMs;
    this.keepAliveMs = keepAliveMs ?? this.keepAliveMs;
  }

  /** Resolves once the replies that are under way now are over. */
  async repliesOver(): Promise<void> {
    const over: Promise<void>[] = [];
    this.#lanes.each((lane) => over.push(lane.replyOver()));
    await Promise.all(over);
  }

  /** Cuts what is open. */
  close(): void {
    this.isOpen = false;
    clearInterval(this.#timer);
    this.#lanes.each((lane) => lane.cut());
  }

  #tick(): void {
    this.date = new Date().toUTCString();
    this.#lanes.each((lane) => lane.pass(tickMs));
  }
}
