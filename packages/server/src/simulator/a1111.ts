import type { Failure } from "./failure.ts";
import { dot } from "./images.ts";
import type { Call, Errand, Page, Product, Service } from "./vendor.ts";
import { isInteger, isObject, type JsonObject, objectOf, stringOf } from "./wire.ts";

/* The web interface of AUTOMATIC1111, with its API switched on (version 1.10, modules/api): two checkpoints, no scripts. */

const checkpoints = ["v1-5-pruned-emaonly", "sd_xl_base_1.0"] as const;
const hashes: Readonly<Record<string, string>> = {
  "v1-5-pruned-emaonly": "6ce0161689",
  "sd_xl_base_1.0": "31e35c80fc",
};

const numbers = ["width", "height", "batch_size", "n_iter", "steps", "seed"];
const flags = ["send_images", "save_images", "override_settings_restore_afterwards"];

export const txt2img: Service = {
  house: "a1111",
  takes: "json",
  check: checkRequest,
  serve: paint,
};

export const checkpointList: Page = {
  house: "a1111",
  method: "GET",
  check: () => undefined,
  reply: () =>
    JSON.stringify(
      checkpoints.map((name) => ({
        title: `${name}.safetensors [${hashes[name]}]`,
        model_name: name,
        hash: hashes[name],
        filename: `/models/${name}.safetensors`,
      })),
    ),
};

/** As pydantic has it: what is not known is passed over. */
function checkRequest({ body }: Call): Failure | undefined {
  if (typeof body["prompt"] !== "string") return unfit("prompt", "str type expected");
  const number = numbers.find((name) => body[name] !== undefined && !isInteger(body[name], -1));
  if (number !== undefined) return unfit(number, "value is not a valid integer");
  const flag = flags.find((name) => body[name] !== undefined && typeof body[name] !== "boolean");
  if (flag !== undefined) return unfit(flag, "value could not be parsed to a boolean");
  if (body["override_settings"] === undefined || isObject(body["override_settings"])) return undefined;
  return unfit("override_settings", "value is not a valid dict");
}

function unfit(field: string, message: string): Failure {
  return { status: 422, message, param: field };
}

/** FastAPI's for a field that does not fit; the interface's own for all else. */
export function a1111Failure({ status, message, param, type }: Failure): JsonObject {
  if (param !== undefined) return { detail: [{ loc: ["body", param], msg: message, type: "type_error" }] };
  if (status < 500) return { error: "HTTPException", detail: message, body: "", errors: "" };
  return { error: type ?? "RuntimeError", detail: "", body: "", errors: message };
}

function paint({ call: { body }, script }: Errand): Product {
  const count = numberOf(body, "batch_size", 1) * numberOf(body, "n_iter", 1);
  const image = script.textBytes === undefined ? dot : Buffer.concat([dot, Buffer.alloc(script.textBytes, dot)]);
  const images = body["send_images"] === false ? [] : Array.from({ length: count }, () => image.toString("base64"));
  const name = checkpointOf(body);
  const [width, height] = [numberOf(body, "width", 512), numberOf(body, "height", 512)];
  const info = { prompt: body["prompt"], width, height, sd_model_name: name, sd_model_hash: hashes[name] };
  return { json: { images, parameters: { ...body, width, height }, info: JSON.stringify(info) } };
}

function numberOf(body: JsonObject, name: string, usual: number): number {
  return isInteger(body[name]) ? body[name] : usual;
}

/** For a name that it does not know it takes the one that is loaded. */
function checkpointOf(body: JsonObject): string {
  const asked = stringOf(objectOf(body["override_settings"])["sd_model_checkpoint"]);
  return checkpoints.find((name) => asked === name || asked === `${name}.safetensors`) ?? checkpoints[0];
}
