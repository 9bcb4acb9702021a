// Mix: which source feeds which layer, and what each level adds to the picture.

import { byId, h, iconButton, randomSeed, seedInput, slider } from "./dom.js";
import { heldElement, hold } from "./drag.js";
import { ranges, seedOf, sourceAt, withLayersOf, withSource } from "./scene.js";

export function mixPanel(app) {
  const { model, store, thumbnails } = app;
  byId("mix-panel").hidden = !model.mixes;
  if (!model.mixes) return () => {};
  const single = byId("single-layers");
  const strip = byId("strip");
  const unit = new Set(model.layers).size > 6 ? "" : " px"; // where there is room
  let chosen = new Set(); // layers
  let cells = [];
  let shares = null;

  const take = (layers) => (scene) => store.set(withLayersOf(store.scene, layers, scene));

  function build() {
    const all = model.layers.map((_, layer) => layer);
    const spans = single.checked ? all.map((layer) => [layer]) : levels(all);
    cells = spans.map(makeCell);
    const groups = Object.entries(model.groups).map(([name, layers]) => {
      const first = spans.findIndex((span) => layers.includes(span[0]));
      const last = spans.findLastIndex((span) => layers.includes(span[0]));
      const choose = h("button", {
        type: "button", className: "group", "data-drop": "layers", title: `All ${name} layers`,
        onclick: () => press(layers),
      }, name);
      choose.style.gridColumn = `${first + 1} / ${last + 2}`;
      choose.takeScene = take(layers);
      return choose;
    });
    strip.replaceChildren(...groups, ...cells.map((cell) => cell.element));
  }

  const levels = (all) => [...new Set(model.layers)].map((size) => all.filter((layer) => model.layers[layer] === size));

  function makeCell(layers) {
    const canvas = h("canvas", { width: 1, height: 1 });
    const bar = h("i");
    const text = h("span");
    const size = model.layers[layers[0]];
    const element = h("button", {
      type: "button", className: "cell", "data-drop": "layers", onclick: () => press(layers),
    }, h("b", {}, single.checked ? `${layers[0]} · ${size}` : `${size}${unit}`), canvas, text,
      h("div", { className: "share" }, bar));
    element.takeScene = take(layers);
    return { layers, element, canvas, text, bar, size };
  }

  /** Put down what is held by keyboard, else choose the layers, or let them go. */
  function press(layers) {
    const taken = heldElement();
    if (taken) {
      take(layers)(taken.scene);
      hold(null);
      return;
    }
    const isChosen = layers.every((layer) => chosen.has(layer));
    for (const layer of layers) isChosen ? chosen.delete(layer) : chosen.add(layer);
    update(store.scene);
  }

  const hint = h("p", { id: "mix-hint", className: "hint" });
  const seed = h("input", { id: "mix-seed", type: "number", min: 0, max: 2 ** 32 - 1, step: 1 });
  const feed = (value, amount) => withSource(store.scene, [...chosen], value, amount);
  const showSeed = seedInput(seed, (value) => store.change(feed(value)), store.commit);
  const dice = iconButton("dice", "Mix in a random seed", () => store.set(feed(randomSeed())));
  const amount = slider({
    label: "Amount", min: 0, max: 100, step: 1, show: (n) => `${n} %`,
    oninput: (percent) => {
      const source = Number(seed.value);
      store.change(feed(source, percent / 100));
      if (!percent) showSeed(source); // so that the way back is the same slider
    },
    oncommit: store.commit,
  });
  const clear = h("button", { type: "button", onclick: () => store.set(feed(store.scene.seed)) }, "Unmix");
  byId("mix-controls").replaceChildren(hint,
    h("div", { className: "field" }, h("label", { for: "mix-seed" }, "Styles of seed"),
      h("div", { className: "row" }, seed, dice, clear)), amount.element);

  function update(scene) {
    for (const cell of cells) {
      const sources = cell.layers.map((layer) => sourceAt(scene, layer));
      const [first] = sources;
      const one = sources.every(({ seed, amount }) => seed === first.seed && amount === first.amount);
      const names = one ? `${first.seed}` : [...new Set(sources.map((source) => source.seed))].join(" · ");
      const part = one && first.amount > 0 && first.amount < 1 ? ` ${Math.round(100 * first.amount)} %` : "";
      const top = sources.find((source) => source.amount > 0) ?? first;
      cell.text.textContent = names + part;
      cell.element.classList.toggle("mixed", top.amount > 0);
      cell.element.setAttribute("aria-pressed", String(cell.layers.every((layer) => chosen.has(layer))));
      const words = `Layers ${ranges(cell.layers)}, ${cell.size} pixels, styles of seed ${names}${part}`;
      cell.element.setAttribute("aria-label", words);
      cell.element.title = words;
      thumbnails.paint(cell.canvas, seedOf(scene, top.seed));
    }
    showShares();
    const layers = [...chosen].sort((a, b) => a - b);
    byId("mix-controls").disabled = !layers.length;
    hint.textContent = layers.length
      ? `Layers ${ranges(layers)} are chosen: they take what you set here.`
      : "Drag a small picture onto a layer, or choose layers and give them a seed.";
    const source = layers.length ? sourceAt(scene, layers[0]) : { seed: scene.seed, amount: 0 };
    if (source.amount > 0 || document.activeElement !== amount.input) {
      showSeed(source.seed);
      amount.set(Math.round(100 * source.amount));
    }
  }

  function showShares() {
    const largest = Math.max(...(shares ?? [0]));
    const sizes = [...new Set(model.layers)];
    for (const { bar, size, element } of cells) {
      const share = shares?.[sizes.indexOf(size)] ?? 0;
      bar.parentElement.hidden = !shares;
      bar.style.width = `${largest ? (100 * share) / largest : 0}%`;
      bar.parentElement.title = `${Math.round(100 * share)} % of the picture is added here`;
      element.dataset.share = share.toFixed(3);
    }
  }

  build();
  single.addEventListener("change", () => { build(); update(store.scene); });
  update.shares = (values) => { shares = values; showShares(); };
  update.choose = (name) => {
    const layers = name === "all" ? model.layers.map((_, layer) => layer) : model.groups[name] ?? [];
    const isChosen = layers.length === chosen.size && layers.every((layer) => chosen.has(layer));
    chosen = new Set(isChosen ? [] : layers);
    update(store.scene);
  };
  return update;
}
