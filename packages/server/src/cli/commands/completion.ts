import { argument, leaf, wrongUsage } from "../command.ts";
import { completionScript, isShell, readTree, shells } from "../completion-script.ts";

export const completion = leaf({
  parameters: { shell: argument("<shell>", shells.join(", ")) },
  examples: [
    "source <(portcullis completion bash)",
    "portcullis completion fish > ~/.config/fish/completions/portcullis.fish",
  ],
  async run({ output, commands }, { shell }) {
    if (!isShell(shell))
      throw wrongUsage(`there is no completion for the shell \`${shell}\``, `take one of ${shells.join(", ")}`);
    output.raw(completionScript(shell, await readTree(commands)));
  },
});
