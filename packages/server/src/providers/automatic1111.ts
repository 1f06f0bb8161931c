import { basic } from "./auth.ts";
import { usualMedia } from "./media.ts";
import { defineProvider } from "./provider.ts";

/** The web interface for Stable Diffusion, started with `--api`; a key is what `--api-auth` says, `user:password`. */
export const automatic1111 = defineProvider({
  id: "automatic1111",
  name: "AUTOMATIC1111",
  baseUrl: "http://127.0.0.1:7860",
  dialects: { "openai-chat": "" },
  auth: basic(),
  env: [],
  probe: { modelsPath: "/sdapi/v1/sd-models" },
  media: { ...usualMedia, images: "a1111", only: "image" },
  local: true,
});
