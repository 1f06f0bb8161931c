import { realpath } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";
import { readPrivateFile } from "../../home/index.ts";
import { secretOf, SourceProblem, type Reader, type ReaderParts } from "../reader.ts";

/**
 * `file:/path`: a private file (see `home`). Never one of the gateway's own: whoever may set a reference and a provider's
 * address could have its root key sent there.
 */
export function fileReader({ ownPaths }: ReaderParts): Reader {
  return async ({ place }) => {
    const path = await realpath(place).catch(() => resolve(place)); // a part of it may be a link; the file itself must not
    for (const own of ownPaths) {
      const ownPath = await realpath(own).catch(() => resolve(own));
      if (isWithin(ownPath, path)) throw new SourceProblem("this file is the gateway's own", true);
    }
    const bytes = await readPrivateFile(place);
    if (bytes === undefined) throw new SourceProblem("there is no such file", true);
    const text = bytes.toString("utf8").trim();
    bytes.fill(0);
    return secretOf(text);
  };
}

function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`) || /^[A-Za-z]:/.test(way));
}
