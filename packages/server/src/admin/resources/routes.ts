import type { endpoints, HandlersOf, Route as RouteBody, RouteExplanation } from "@portcullis/contract";
import { encodePrice } from "../../catalog/index.ts";
import type { DialectId } from "../../dialects/index.ts";
import type { Caller } from "../../identity/index.ts";
import { isoTime } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import {
  explain,
  findBrokenTarget,
  formatDestination,
  routeBroken,
  type Route,
  type Target,
} from "../../routing/index.ts";
import type { Call } from "../app.ts";
import { tryTranslation, untranslated } from "../tried-translation.ts";
import { pageOf } from "../paging.ts";
import type { AdminParts } from "../parts.ts";

export function routeHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["routes"], Call> {
  const { routes } = parts.routing;
  const show = (route: Route): RouteBody => describeRoute(route, parts);
  return {
    list: async ({ query }) => pageOf(routes.list().map(show), query, ({ name }) => name),
    get: async ({ params }) => show(routes.get(params.name)),
    set: async ({ params: { name }, input }, call) => {
      const { display_name: displayName, ...same } = input;
      const { route, created } = await routes.set({ ...same, name, displayName });
      if (created) call.created();
      return show(route);
    },
    remove: async ({ params }) => {
      await routes.remove(params.name);
      return undefined;
    },
    explain: async ({ input }) => explainModel(input, parts),
  };
}

function describeRoute(route: Route, { providers }: AdminParts): RouteBody {
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : isoTime(ms));
  const broken = findBrokenTarget(route, providers);
  return {
    name: route.name,
    ...formatDestination(route.destination),
    lossy: route.lossy ?? null,
    display_name: route.displayName ?? null,
    source: route.declaredIn === undefined ? "stored" : "declared",
    problem: broken === undefined ? null : routeBroken(route, broken).message,
    created_at: time(route.createdAt),
    updated_at: time(route.updatedAt),
  };
}

interface Question {
  readonly model: string;
  readonly dialect: DialectId;
  readonly thinking: boolean;
  readonly key_id?: string | undefined;
  readonly request?: Readonly<Record<string, unknown>> | undefined;
}

function explainModel(question: Question, parts: AdminParts): RouteExplanation {
  const { model, dialect, thinking, key_id: keyId, request } = question;
  const caller = keyId === undefined ? undefined : parts.keys.callerOf(keyId);
  const asked = { model, dialect, thinking: () => thinking };
  const { route, target, credential, problem } = explain(asked, {
    routing: parts.routing,
    credentials: parts.providers.credentials,
  });
  const refusal = caller && refusalOf(caller, target, parts);
  const allowed = caller === undefined || target === undefined ? null : refusal === undefined;
  const translation = request === undefined ? untranslated : tryTranslation(request, dialect, target, parts);
  return {
    model,
    route,
    dialect,
    ...(target === undefined ? unknownTarget : describeTarget(target, dialect)),
    credential,
    losses: translation.losses && [...translation.losses],
    allowed,
    problem: describeProblem(refusal ?? problem ?? translation.problem),
  };
}

type TargetFields =
  | "tier"
  | "target"
  | "upstream_dialect"
  | "translated"
  | "lossy"
  | "price_micros_per_mtok"
  | "price_micros_per_unit";

const unknownTarget: Pick<RouteExplanation, TargetFields> = {
  tier: null,
  target: null,
  upstream_dialect: null,
  translated: false,
  lossy: null,
  price_micros_per_mtok: null,
  price_micros_per_unit: null,
};

function describeTarget(
  { provider, model, tier, dialect, lossy, price }: Target,
  caller: DialectId,
): Pick<RouteExplanation, TargetFields> {
  const encoded = price && encodePrice(price);
  return {
    tier,
    target: { provider: provider.id, model },
    upstream_dialect: dialect,
    translated: dialect !== caller,
    lossy,
    price_micros_per_mtok: encoded ?? null,
    price_micros_per_unit: encoded?.units ?? null,
  };
}

/** Why the key would be refused for this target; see the stages `authenticate` and `admit` of the gateway. */
function refusalOf(caller: Caller, target: Target | undefined, { keys, clock }: AdminParts): AppError | undefined {
  const { id, kind, disabledAt, expiresAt, models } = keys.get(caller.keyId);
  if (kind !== "caller") return new AppError("invalid_key");
  if (disabledAt !== null) return new AppError("key_disabled", { id });
  if (expiresAt !== null && expiresAt <= clock.now()) {
    return new AppError("key_expired", { id, when: isoTime(expiresAt) });
  }
  if (caller.service !== null && caller.service !== "chat") {
    return new AppError("service_not_allowed", { id, service: caller.service });
  }
  if (target === undefined || caller.allowsModel(target.provider.id, target.model)) return undefined;
  return new AppError("model_not_allowed", { id, model: target.model, allowed: (models ?? []).join(", ") });
}

function describeProblem(problem: AppError | undefined): RouteExplanation["problem"] {
  return problem === undefined ? null : { code: problem.code, detail: problem.message, hint: problem.hint ?? null };
}
