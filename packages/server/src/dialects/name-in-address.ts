import { AppError } from "../kernel/errors.ts";

/**
 * A model's name, or an id, as it may stand in a provider's address. It may have slashes and colons; nothing in it may lead to
 * another place or begin a query.
 *
 * @throws AppError `invalid_request`
 */
export function nameInAddress(name: string): string {
  if (/(?:^|\/)\.{0,2}(?:\/|$)/.test(name) || !name.isWellFormed()) {
    throw new AppError("invalid_request", { problem: "this name cannot stand in an address" });
  }
  return encodeURI(name).replaceAll(/[?#]/g, encodeURIComponent);
}
