// Shape: truncation, classes and noise.

import { byId, h, iconButton, randomSeed, seedInput, slider } from "./dom.js";

let names = 0;

/** Radio buttons side by side; `options` are pairs of value and words. */
export function segments(legend, options, onchoose) {
  const name = `choice-${++names}`;
  const inputs = options.map(([value]) =>
    h("input", { type: "radio", name, value, onchange: () => onchoose(value) }));
  const labels = options.map(([, words], place) => h("label", {}, inputs[place], words));
  const element = h("div", { className: "segments", role: "radiogroup", "aria-label": legend }, ...labels);
  return { element, set: (value) => inputs.forEach((input) => { input.checked = input.value === value; }) };
}

export function shapePanel(app) {
  const parts = [psiPart(app)];
  if (app.model.classes) parts.push(classPart(app));
  if (app.model.noise_layers.length) parts.push(noisePart(app));
  return (scene) => parts.forEach((update) => update(scene));
}

const two = (number) => number.toFixed(2);

function psiPart({ model, store }) {
  const words = { min: -1, max: 2, step: 0.05, show: two, oncommit: store.commit };
  const all = slider({
    ...words, label: "Truncation ψ",
    oninput: (psi) => store.change({ ...store.scene, psi, layer_psi: null }),
  });
  byId("psi").replaceChildren(all.element,
    h("p", { className: "hint" }, "0 is the mean picture, 1 is full variety."));

  const count = Math.min(model.psi_layers, model.layers.length);
  const faders = Array.from({ length: count }, (_, layer) => fader(layer));
  byId("layer-psi").replaceChildren(...faders.map((one) => one.element));
  byId("psi-by-layer").hidden = count < 2;

  function fader(layer) {
    const output = h("output");
    const input = h("input", {
      type: "range", min: -1, max: 2, step: 0.05,
      onchange: store.commit,
      oninput: () => {
        const { scene } = store;
        const layer_psi = [...(scene.layer_psi ?? Array(model.psi_layers).fill(scene.psi))];
        layer_psi[layer] = Number(input.value);
        store.change({ ...scene, layer_psi });
      },
    });
    const where = `${model.layers[layer]} px`;
    input.setAttribute("aria-label", `Truncation of layer ${layer}, ${where}`);
    const label = h("span", { className: "hint" }, `${layer} · ${where}`);
    const element = h("div", { className: "fader" }, label, input, output);
    return { element, set(value) { input.value = value; output.textContent = two(value); input.setAttribute("aria-valuetext", two(value)); } };
  }

  return (scene) => {
    all.set(scene.psi);
    faders.forEach((one, layer) => one.set(scene.layer_psi?.[layer] ?? scene.psi));
  };
}

function classPart({ model, store }) {
  const name = (number) => model.class_names[number] ?? `Class ${number}`;
  const options = () => Array.from({ length: model.classes }, (_, n) => h("option", { value: n }, name(n)));
  const first = h("select", { id: "class-first", onchange: () => apply(true) }, ...options());
  const second = h("select", { id: "class-second", onchange: () => apply(true) }, ...options());
  second.value = model.classes > 1 ? 1 : 0;
  const blend = slider({
    label: "Share of the second class", min: 0, max: 100, step: 1, show: (n) => `${n} %`,
    oninput: () => apply(false), oncommit: store.commit,
  });
  const center = segments("Truncate towards", [["global", "mean of all"], ["class", "of the class"]],
    (value) => store.set({ ...store.scene, center: value }));
  const box = byId("classes");
  box.hidden = false;
  box.className = "field";
  box.replaceChildren(
    h("label", { for: "class-first" }, "Class"), first,
    h("label", { for: "class-second" }, "Blend with"), second, blend.element,
    h("h3", {}, "Truncate towards the"), center.element);

  function apply(isWhole) {
    const share = Number(blend.input.value) / 100, label = Array(model.classes).fill(0);
    label[first.value] += 1 - share;
    label[second.value] += share;
    const mixed = share > 0 && first.value !== second.value;
    const scene = { ...store.scene, label: mixed ? label : Number(first.value) };
    if (isWhole) store.set(scene);
    else store.change(scene);
  }

  return ({ label, center: towards }) => {
    center.set(towards);
    if (!Array.isArray(label)) {
      first.value = label;
      blend.set(0);
      return;
    }
    const order = label.map((weight, n) => [weight, n]).filter(([weight]) => weight > 0).map(([, n]) => n);
    const other = order.find((n) => n !== Number(first.value)) ?? order[0];
    if (!order.includes(Number(first.value))) first.value = order[0];
    second.value = other;
    blend.set(Math.round(100 * label[other]));
  };
}

function noisePart({ model, store }) {
  const change = (values) => ({ ...store.scene, noise: { ...store.scene.noise, ...values } });
  const mode = segments("Noise", [["fixed", "fixed"], ["random", "of a seed"], ["none", "none"]],
    (value) => store.set(change({ mode: value })));
  const seed = h("input", { id: "noise-seed", type: "number", min: 0, max: 2 ** 32 - 1, step: 1 });
  const showSeed = seedInput(seed, (value) => store.change(change({ seed: value })), store.commit);
  const dice = iconButton("dice", "Random noise", () => store.set(change({ seed: randomSeed() })));
  const seedRow = h("div", { className: "field" },
    h("label", { for: "noise-seed" }, "Noise seed"), h("div", { className: "row" }, seed, dice));
  const strength = slider({
    label: "Noise strength", min: 0, max: 2, step: 0.05, show: two,
    oninput: (value) => store.change(change({ strength: value })), oncommit: store.commit,
  });
  const sizes = [...new Set(model.noise_layers.map((layer) => model.layers[layer]))];
  const layersOf = (size) => model.noise_layers.filter((layer) => model.layers[layer] === size);
  const chips = sizes.map((size) => h("input", { type: "checkbox", onchange: chooseLayers }));
  const layers = h("details", {}, h("summary", {}, "Noise by layer"),
    h("div", { className: "chips" }, ...sizes.map((size, n) => h("label", {}, chips[n], `${size} px`))));
  const box = byId("noise");
  box.hidden = false;
  box.className = "field";
  box.replaceChildren(h("h3", {}, "Noise"), mode.element, seedRow, strength.element, layers);

  function chooseLayers() {
    const chosen = sizes.flatMap((size, n) => (chips[n].checked ? layersOf(size) : []));
    store.set(change({ layers: chosen.length === model.noise_layers.length ? null : chosen }));
  }

  return ({ noise, seed: own }) => {
    mode.set(noise.mode);
    seedRow.hidden = noise.mode !== "random";
    showSeed(noise.seed ?? own);
    strength.set(noise.strength);
    strength.input.disabled = noise.mode === "none";
    chips.forEach((chip, n) => {
      chip.checked = !noise.layers || layersOf(sizes[n]).every((layer) => noise.layers.includes(layer));
      chip.disabled = noise.mode === "none";
    });
  };
}
