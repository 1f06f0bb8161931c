import * as z from "zod";
import { isModelAt, isName, isRouteName, text } from "./fields.ts";

// The sections `routes` and `translation` of portcullis.yaml; see schema.ts.

const modelAt = (): ReturnType<typeof text> => text(isModelAt, "a model at a provider, such as openai/gpt-5");

/** What may stand under the name of one route. */
export const routeSchema = z.strictObject({
  target: modelAt()
    .optional()
    .describe("Where requests for it go. A route has this or `tiers`.")
    .meta({ example: "openai/gpt-5" }),
  targets: z
    .array(modelAt())
    .optional()
    .describe("The same as a list, of exactly one: requests do not fail over from one target to another.")
    .meta({ expects: "a list of one model at a provider", example: ["openai/gpt-5"] }),
  tiers: z
    .strictObject({
      reasoning: modelAt()
        .optional()
        .describe(
          "For requests with `opus` or `fable` in the name, and for those with thinking turned on, unless the name has `haiku` in it.",
        )
        .meta({ example: "openai/gpt-5" }),
      completion: modelAt()
        .describe("For all others; and for those of a tier that is not given.")
        .meta({ example: "openai/gpt-5-mini" }),
      value: modelAt()
        .optional()
        .describe("For requests with `haiku` in the name.")
        .meta({ example: "openai/gpt-5-nano" }),
    })
    .optional(),
  lossy: z
    .enum(["allow", "deny"])
    .optional()
    .describe("What happens to a request that cannot be translated without loss; without it, `translation.lossy`.")
    .meta({ example: "deny" }),
  display_name: text(isName, "1 to 100 printable characters")
    .optional()
    .describe("A name for people, for lists of models.")
    .meta({ example: "House model" }),
});

export const routes = z
  .record(
    text(
      isRouteName,
      "1 to 200 printable ASCII characters, without spaces, `/`, `\\` and `%`, and with no dot in front; `*` stands for any run of characters",
    ),
    routeSchema,
  )
  .prefault({})
  .describe(
    "Names that callers may ask for in place of a model, by name. An exact name wins over a pattern with `*`, and a longer pattern over a shorter one. What is declared here cannot be changed over the API. See docs/routing.md.",
  );

export const translation = z
  .strictObject({
    lossy: z
      .enum(["allow", "deny"])
      .default("allow")
      .describe(
        "What happens to a request that cannot be translated without loss: `allow` sends it without what is lost and says so in the reply; `deny` refuses it. A route may say otherwise.",
      ),
  })
  .prefault({})
  .describe("Requests that go to a provider which does not take the dialect they came in.");
