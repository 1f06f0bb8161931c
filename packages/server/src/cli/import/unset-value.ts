/** What people and examples write where a key is still to come, or where an engine of their own needs none. */
const placeholders =
  /^(?:<.*>|\[.*\]|\.+|x+|\*+|(?:sk|gsk|xai|hf|key)[-_](?:or-v1-|ant-)?(?:x+|\.+|\*+)?|(?:your|my|insert|enter|paste|put|add|replace)[-_ ].*|change[-_ ]?me.*|todo|none|null|undefined|empty|dummy|fake|placeholder|no[-_]?key.*|not[-_]?needed|ollama|lm-studio)$/i;

/** Why a value is no key, if it is none. */
export function looksUnset(value: string): string | undefined {
  const text = value.trim();
  if (text === "") return "it is empty";
  return text.length < 100 && placeholders.test(text) ? "it is a placeholder, not a key" : undefined;
}
