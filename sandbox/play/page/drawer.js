import { html } from "./vendor/htm-preact.js";
import { state } from "./store.js";
export function Drawer() { return state.drawer ? html`<aside class="drawer"></aside>` : null; }
