import type { CommandEntry } from "./command.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export function isShell(name: string): name is Shell {
  return shells.some((shell) => shell === name);
}

/** What can be typed after each command path: `" keys"` → its subcommands, `" keys create"` → its options. */
type Tree = ReadonlyMap<string, readonly string[]>;

const everywhere = ["--url", "--home", "--json", "--help"];

export async function readTree(entries: readonly CommandEntry[], path = ""): Promise<Tree> {
  const tree = new Map([[path, [...entries.map((entry) => entry.name), ...everywhere]]]);
  for (const entry of entries) {
    const below = `${path} ${entry.name}`;
    const body = await entry.load();
    if ("commands" in body) for (const [key, words] of await readTree(body.commands, below)) tree.set(key, [...words]);
    else
      tree.set(below, [
        ...Object.values(body.parameters).flatMap(({ kind, form }) => (kind === "option" ? flagsIn(form) : [])),
        ...everywhere,
      ]);
  }
  return tree;
}

export function completionScript(shell: Shell, tree: Tree): string {
  return scripts[shell](tree);
}

function flagsIn(form: string): readonly string[] {
  return form.match(/--[\w-]+/g) ?? [];
}

// Each script follows the words typed so far down the tree of commands (an option or its value leads nowhere and is
// passed over), then offers what the tree holds at that place.

const scripts: Readonly<Record<Shell, (tree: Tree) => string>> = {
  bash: (tree) => `# bash completion for portcullis
_portcullis() {
  local route="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$route $word" in
      ${routes(tree).join(" | ")}) route="$route $word" ;;
    esac
  done
  local words=""
  case "$route" in
${[...tree].map(([route, words]) => `    "${route}") words="${words.join(" ")}" ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _portcullis portcullis
`,
  zsh: (tree) => `#compdef portcullis
_portcullis() {
  local route="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$route $word" in
      ${routes(tree).join(" | ")}) route="$route $word" ;;
    esac
  done
  local -a candidates
  case "$route" in
${[...tree].map(([route, words]) => `    "${route}") candidates=(${words.join(" ")}) ;;`).join("\n")}
  esac
  compadd -- $candidates || _files
}
compdef _portcullis portcullis
`,
  fish: (tree) => `# fish completion for portcullis
function __portcullis_words
  set -l route ""
  for word in (commandline -opc)[2..-1]
    switch "$route $word"
      case ${routes(tree).join(" ")}
        set route "$route $word"
    end
  end
  switch "$route"
${[...tree].map(([route, words]) => `    case "${route}"\n      printf '%s\\n' ${words.join(" ")}${isLeaf(words) ? "\n      __fish_complete_path (commandline -ct)" : ""}`).join("\n")}
  end
end
complete -c portcullis -f -a '(__portcullis_words)'
`,
};

/** After a command that does something, files may be meant. */
function isLeaf(words: readonly string[]): boolean {
  return words.every((word) => word.startsWith("--"));
}

function routes(tree: Tree): readonly string[] {
  return [...tree.keys()].filter((route) => route !== "").map((route) => `"${route}"`);
}
