export { createGateway, type Gateway } from "./app.ts";
export { createSettler } from "./stages/settle.ts";
export { createTranslation } from "./translation/translation.ts";
