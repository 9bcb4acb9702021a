// Edit: directions that the network's weights tell, each with the picture at both of its ends.

import { byId, h, slider } from "./dom.js";
import { segments } from "./shape_panel.js";
import { strengthOf, withStrength } from "./scene.js";

const SHOWN = 6; // directions
const END = 4, STEP = 0.1, REACH = 3; // strengths, in standard deviations
const REST = 350; // milliseconds after which the pictures at the ends follow

export function editPanel(app) {
  const { model, store, thumbnails } = app;
  const all = model.layers.map((_, layer) => layer);
  const groups = model.mixes ? { all, ...model.groups } : { all: [0] };
  let layers = groups.all;
  const choice = segments("Layers that move", Object.keys(groups).map((name) => [name, name]), (name) => {
    layers = groups[name];
    update(store.scene);
  });
  choice.set("all");

  const rows = Array.from({ length: Math.min(SHOWN, model.directions) }, (_, place) => {
    const direction = () => ({ origin: "weights", layers, number: place + 1 });
    const control = slider({
      label: `Direction ${place + 1}`, min: -END, max: END, step: STEP,
      show: (value) => (value > 0 ? "+" : "") + value.toFixed(1),
      oninput: (value) => store.change(withStrength(store.scene, direction(), value)),
      oncommit: store.commit,
    });
    const ends = [-REACH, REACH].map((strength) => {
      const button = thumbnails.button({ pick: (scene) => store.set(scene) });
      return { button, show: (scene) => button.update(withStrength(scene, direction(), strength), strength > 0 ? `+${strength}` : strength) };
    });
    const element = h("div", { className: "direction" }, ends[0].button, control.element, ends[1].button);
    return { element, direction, control, ends };
  });

  const clear = h("button", { type: "button", className: "small", onclick: () => store.set({ ...store.scene, moves: [] }) }, "Remove all edits");
  const hint = h("p", { className: "hint" }, "The strongest directions first; the small pictures show where each leads.");
  byId("edit").replaceChildren(choice.element, hint, ...rows.map((row) => row.element), clear);

  const panel = byId("edit-panel");
  let timer;
  const showEnds = () => {
    if (panel.open) for (const row of rows) for (const end of row.ends) end.show(store.scene);
  };
  panel.addEventListener("toggle", showEnds);

  function update(scene) {
    for (const row of rows) row.control.set(strengthOf(scene, row.direction()));
    clear.disabled = !scene.moves.length;
    clearTimeout(timer);
    timer = setTimeout(showEnds, rows[0].ends[0].button.scene ? REST : 0);
  }
  return update;
}
