import { wrongUsage, type CommandContext } from "./command.ts";
import { Cancelled } from "./questions.ts";

/** Lets a destructive command go on: after `--yes`, or when the person at the terminal agrees. */
export async function confirm({ questions }: CommandContext, question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!questions.interactive)
    throw wrongUsage("this needs a confirmation, and there is no terminal to ask on", "add --yes to go on");
  if (!(await questions.confirm(question, false))) throw new Cancelled();
}
