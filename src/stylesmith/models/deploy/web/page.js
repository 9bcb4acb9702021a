// The page: controls to a request, an image to the canvas, everything in the address.

const byId = (id) => document.getElementById(id);
const [seed, psi, other, label] = ["seed", "psi", "other", "label"].map(byId);
const canvas = byId("image");
const MAX_SEED = 2 ** 32 - 1;

const worker = new Worker("worker.js", { type: "module" });
let model;
let busy = false;
let waiting = false;

const say = (text) => (byId("status").textContent = text);
const amounts = () => [...document.querySelectorAll("#groups input")];
const shown = (slider) => (slider === psi ? slider.value : `${slider.value} %`);

function seedOf(input) {
  return Math.min(Math.max(Math.trunc(Number(input.value)) || 0, 0), MAX_SEED);
}

function request() {
  return {
    seed: seedOf(seed),
    other: seedOf(other),
    psi: Number(psi.value),
    label: label.selectedIndex,
    amounts: amounts().map((slider) => slider.value / 100),
  };
}

/** Ask for an image now, or after the one being drawn; what changed in between is left out. */
function draw() {
  if (!model) return;
  if (busy) {
    waiting = true;
    return;
  }
  busy = true;
  canvas.setAttribute("aria-busy", "true");
  say("Drawing …");
  worker.postMessage(request());
}

function changed() {
  for (const slider of document.querySelectorAll("input[type=range]")) {
    byId(`${slider.id}-value`).value = shown(slider);
  }
  const state = new URLSearchParams({ seed: seedOf(seed), psi: psi.value });
  if (model.classes) state.set("class", label.selectedIndex);
  if (amounts().some((slider) => slider.value > 0)) {
    state.set("mix", seedOf(other));
    for (const slider of amounts()) state.set(slider.id, slider.value);
  }
  history.replaceState(null, "", `#${state}`);
  draw();
}

/** Set the controls as the address says. */
function restore() {
  const state = new URLSearchParams(location.hash.slice(1));
  const inputs = { seed, psi, mix: other };
  for (const slider of amounts()) inputs[slider.id] = slider;
  for (const [name, input] of Object.entries(inputs)) {
    if (state.has(name)) input.value = state.get(name);
  }
  label.selectedIndex = Math.min(Number(state.get("class")) || 0, label.length - 1);
}

function slider({ name, note }) {
  const row = byId("slider").content.cloneNode(true);
  const [caption, value, input] = ["label", "output", "input"].map((tag) => row.querySelector(tag));
  caption.append(`${name[0].toUpperCase()}${name.slice(1)} `);
  caption.append(Object.assign(document.createElement("small"), { textContent: note }));
  caption.htmlFor = input.id = name;
  value.id = `${name}-value`;
  return row;
}

function begin(loaded) {
  model = loaded;
  document.title = model.title;
  byId("title").textContent = model.title;
  byId("about").textContent = model.about;
  [canvas.height, canvas.width] = model.size;
  byId("groups").append(...model.groups.map(slider));
  for (let i = 0; i < model.classes; i++) label.add(new Option(`${i}`));
  byId("classes").hidden = !model.classes;
  restore();
  byId("controls").disabled = false;
  changed();
}

function show({ image, request, milliseconds }) {
  const { bytes, width, height } = image;
  canvas.getContext("2d").putImageData(new ImageData(bytes, width, height), 0, 0);
  const mixed = request.amounts.some((amount) => amount > 0);
  const name = `Seed ${request.seed}${mixed ? ` mixed with ${request.other}` : ""}`;
  canvas.setAttribute("aria-label", name);
  say(`${name}, drawn in ${(milliseconds / 1000).toPrecision(2)} s`);
}

worker.onmessage = ({ data }) => {
  if (data.model) return begin(data.model);
  busy = false;
  canvas.removeAttribute("aria-busy");
  if (data.problem) return say(`This browser could not draw: ${data.problem}`);
  show(data);
  if (waiting) {
    waiting = false;
    draw();
  }
};
worker.onerror = () => say("The worker of this page did not start; is every file beside it?");

byId("controls").addEventListener("input", changed);
addEventListener("hashchange", () => {
  restore();
  changed();
});
for (const button of document.querySelectorAll("[data-random]")) {
  button.addEventListener("click", () => {
    byId(button.dataset.random).value = Math.floor(Math.random() * 100000);
    changed();
  });
}
byId("save").addEventListener("click", () => {
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `seed${String(seedOf(seed)).padStart(4, "0")}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
});
