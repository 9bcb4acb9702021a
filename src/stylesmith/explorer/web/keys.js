// Keys, by the letter and not by its place on the keyboard. Single ones can be switched off.

import { byId, h, randomSeed } from "./dom.js";
import { withSeed } from "./draw_panel.js";
import { heldElement, hold } from "./drag.js";

const SWITCH = "stylesmith-single-keys";
const clampPsi = (psi) => Math.min(2, Math.max(-1, Math.round(20 * psi) / 20));

export function bindKeys(app) {
  const { store } = app;
  const stepSeed = (step) => store.set(withSeed(store.scene, (store.scene.seed + step + 2 ** 32) % 2 ** 32));
  const stepPsi = (step) => store.set({ ...store.scene, psi: clampPsi(store.scene.psi + step), layer_psi: null });
  const press = (id) => () => byId(id).click();
  const groups = Object.keys(app.model.groups);
  const keys = {
    r: [() => store.set(withSeed(store.scene, randomSeed())), "Random seed"],
    ArrowRight: [() => stepSeed(1), "Next seed"],
    ArrowLeft: [() => stepSeed(-1), "Seed before"],
    ArrowUp: [() => stepPsi(0.05), "More truncation ψ"],
    ArrowDown: [() => stepPsi(-0.05), "Less truncation ψ"],
    ...Object.fromEntries(groups.map((name, n) => [`${n + 1}`, [() => app.mix.choose?.(name), `Choose ${name} layers`]])),
    0: [() => app.mix.choose?.("all"), "Choose all layers"],
    m: [takeUp, "Take up the small picture in focus, to put it on a layer"],
    n: [nextNoise, "Noise: fixed, of a seed, none"],
    p: [press("pin"), "Pin, or unpin"],
    s: [press("save"), "Save PNG"],
    c: [press("copy-command"), "Copy as command"],
    l: [press("copy-link"), "Copy link"],
    "?": [press("help"), "These keys"],
  };

  function takeUp() {
    const element = document.activeElement;
    hold(element?.classList.contains("thumb") && element !== heldElement() ? element : null);
  }

  function nextNoise() {
    const modes = ["fixed", "random", "none"], { noise } = store.scene;
    if (!app.model.noise_layers.length) return;
    const mode = modes[(modes.indexOf(noise.mode) + 1) % 3];
    store.set({ ...store.scene, noise: { ...noise, mode } });
  }

  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && (key === "z" || key === "y")) {
      if (event.target.matches("input[type=number]") && event.target.matches(":focus:invalid")) return;
      event.preventDefault();
      key === "y" || event.shiftKey ? store.redo() : store.undo();
      return;
    }
    if (key === "Escape") hold(null);
    if (event.ctrlKey || event.metaKey || event.altKey || !(key in keys) || !isOn()) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea, summary")) return;
    event.preventDefault();
    keys[key][0]();
  });

  byId("help").onclick = () => byId("help-dialog").showModal();
  byId("use-keys").checked = isOn();
  byId("use-keys").onchange = () => localStorage.setItem(SWITCH, byId("use-keys").checked ? "on" : "off");
  const rows = Object.entries(keys).map(([key, [, words]]) => [key, words]);
  rows.push(["Ctrl Z", "Undo"], ["Shift Ctrl Z", "Redo"], ["Esc", "Let go of what is dragged or held"]);
  byId("key-list").replaceChildren(...rows.flatMap(([key, words]) =>
    [h("dt", {}, h("kbd", {}, SHOWN[key] ?? (key.length === 1 ? key.toUpperCase() : key))), h("dd", {}, words)]));
}

const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
const isOn = () => localStorage.getItem(SWITCH) !== "off";
