// Elements by short calls, and the controls that several panels share.

export const byId = (id) => document.getElementById(id);

/** An element with properties (`on...` are listeners, `data-` and `aria-` attributes) and children. */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (/^(data-|aria-|role|for)/.test(key)) element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A button that shows an icon; its words are for readers and the tooltip. */
export const iconButton = (name, words, onclick) =>
  h("button", { type: "button", className: "icon", title: words, onclick },
    icon(name), h("span", { className: "words" }, words));

let sliders = 0;

/**
 * A labelled range. `oninput(value)` comes while it moves, `oncommit()` when it rests; `show(value)`
 * is the text beside it, which readers hear as well.
 */
export function slider({ label, min, max, step, show, oninput, oncommit }) {
  const id = `slider-${++sliders}`;
  const output = h("output", { for: id });
  const input = h("input", {
    type: "range", id, min, max, step,
    oninput: () => { tell(); oninput(Number(input.value)); },
    onchange: oncommit,
  });
  const tell = () => {
    output.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  const element = h("div", { className: "slider" }, h("label", { for: id }, label), output, input);
  return { element, input, set(value) { input.value = value; tell(); } };
}

/** A whole number 0 to 2^32 - 1 that is taken over while it is typed. */
export function seedInput(input, onseed, oncommit) {
  input.addEventListener("input", () => {
    const seed = Number(input.value);
    const good = input.value !== "" && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32;
    input.setCustomValidity(good ? "" : "A whole number from 0 to 4294967295");
    input.setAttribute("aria-invalid", String(!good));
    if (good) onseed(seed);
  });
  input.addEventListener("change", oncommit);
  return (seed) => {
    if (Number(input.value) !== seed || input.value === "") input.value = seed;
    input.setCustomValidity("");
    input.removeAttribute("aria-invalid");
  };
}

export const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 1000000;

let toastTimer;

/** Words that are shown for some seconds, and read out. */
export function toast(text) {
  const element = byId("toast");
  element.textContent = text;
  element.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => element.classList.remove("shown"), 3500);
}
