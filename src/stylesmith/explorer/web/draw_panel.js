// Draw: the seed, the dice, neighbors, and pins.

import { byId, h, randomSeed, seedInput } from "./dom.js";
import { sameScene, seedOf } from "./scene.js";

const STEPS = [-4, -3, -2, -1, 1, 2, 3, 4];
const REST = 200; // milliseconds after which neighbors follow

export function drawPanel(app) {
  const { store, thumbnails } = app;
  const showSeed = seedInput(byId("seed"), (seed) => store.change(withSeed(store.scene, seed)), store.commit);
  byId("dice").onclick = () => store.set(withSeed(store.scene, randomSeed()));
  byId("pin").onclick = () => store.togglePin();

  let timer;
  const showNeighbors = () => {
    const scenes = STEPS.map((step) => seedOf(store.scene, (store.scene.seed + step + 2 ** 32) % 2 ** 32));
    const make = () => thumbnails.button({ pick: (scene) => store.set(withSeed(store.scene, scene.seed)) });
    thumbnails.list(byId("neighbors"), scenes, make, (button, scene) => button.update(scene));
  };

  const showPins = () => {
    const make = () => {
      const slot = h("div", { className: "slot" });
      slot.button = thumbnails.button({ pick: (scene) => store.set(scene) });
      const remove = h("button", {
        type: "button", className: "remove", title: "Remove this pin",
        onclick: () => store.togglePin(slot.button.scene),
      }, "×");
      remove.setAttribute("aria-label", "Remove this pin");
      slot.append(slot.button, remove);
      return slot;
    };
    thumbnails.list(byId("pins"), store.pins, make, (slot, scene) => {
      slot.button.update(scene);
      slot.button.setAttribute("aria-current", String(sameScene(scene, store.scene)));
    });
    byId("no-pins").hidden = store.pins.length > 0;
    const pinned = store.pins.some((scene) => sameScene(scene, store.scene));
    byId("pin").querySelector(".label").textContent = pinned ? "Unpin" : "Pin";
  };

  return (scene) => {
    showSeed(scene.seed);
    showPins();
    clearTimeout(timer);
    timer = setTimeout(showNeighbors, byId("neighbors").children.length ? REST : 0);
  };
}

/** The scene of another seed, whose mixed layers stay mixed. */
export const withSeed = (scene, seed) => ({
  ...scene, seed, mix: scene.mix.filter((part) => part.seed !== seed),
});
