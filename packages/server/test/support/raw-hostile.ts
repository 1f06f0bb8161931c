/** All hostile requests, made from tables. */
import { contents } from "./raw-hostile-bodies.ts";
import { framing } from "./raw-hostile-framing.ts";
import { heads } from "./raw-hostile-heads.ts";
import type { Row } from "./raw-hostile-row.ts";
import { requestBytes, type Sender } from "./raw-request.ts";

export interface HostileRequest {
  readonly name: string;
  /** What is wrong with the head a proxy in front may refuse or put right; a body it passes on unseen. */
  readonly layer: "head" | "body";
  /** In them stand the id, and where a request is smuggled in the body or follows, `<id>-inside` and `<id>-behind`. */
  bytes(sender: Sender): string;
}

function alone([name, twist]: Row, layer: HostileRequest["layer"]): HostileRequest {
  return { name, layer, bytes: (sender) => requestBytes(sender, twist(sender)) };
}

function withOneBehind(request: HostileRequest): HostileRequest {
  return {
    ...request,
    name: `${request.name}, and a request behind it`,
    bytes: (sender) => request.bytes(sender) + requestBytes({ ...sender, id: `${sender.id}-behind` }),
  };
}

/** Each that is wrong about its head comes twice: alone, and with a good request right behind it. */
export function hostileRequests(): readonly HostileRequest[] {
  const ofHead = [...framing, ...heads].map((row) => alone(row, "head"));
  return [...ofHead, ...ofHead.map(withOneBehind), ...contents.map((row) => alone(row, "body"))];
}
