// Small pictures: drawn on demand, kept while the page is open, and buttons that can be dragged.

import { h } from "./dom.js";
import { makeDraggable } from "./drag.js";
import { describe, sceneKey } from "./scene.js";

const MAX_ASKED = 6; // at a time; the server draws large pictures first
const MAX_KEPT = 500;
const SIZE = 96; // pixels of the longest side, as the server has it

export class Thumbnails {
  constructor(app) {
    this.app = app;
    this.kept = new Map(); // pictures by scene
    this.wanted = new Map(); // wishes, by scene: each is asked for once
    this.asked = 0;
  }

  /** Paint a canvas with the picture of a scene, now or when it has come; till then it stays. */
  paint(canvas, scene) {
    const key = sceneKey(scene);
    if (canvas.sceneKey === key) return;
    canvas.sceneKey = key;
    const picture = this.kept.get(key);
    if (picture) {
      put(canvas, picture);
      return;
    }
    if (!this.wanted.has(key)) this.wanted.set(key, { scene, canvases: new Set(), isAsked: false });
    this.wanted.get(key).canvases.add(canvas);
    canvas.classList.add("waiting");
    this.pump();
  }

  /** Keep the large picture of a scene as a small one, which then need not be drawn. */
  keep(scene, picture) {
    const key = sceneKey(scene);
    if (this.kept.has(key)) return;
    this.kept.set(key, shrink(picture));
    const wish = this.wanted.get(key);
    if (!wish || wish.isAsked) return;
    for (const canvas of waiting(wish, key)) put(canvas, this.kept.get(key));
    this.wanted.delete(key);
  }

  /** Ask for the newest wishes whose canvases still want them. */
  pump() {
    if (!this.app.connection.isOpen) return;
    for (const [key, wish] of [...this.wanted].reverse()) {
      if (this.asked >= MAX_ASKED) return;
      if (wish.isAsked) continue;
      if (waiting(wish, key).length) this.ask(key, wish);
      else this.wanted.delete(key);
    }
  }

  async ask(key, wish) {
    this.asked += 1;
    wish.isAsked = true;
    try {
      const picture = await this.app.connection.ask("thumbnail", wish.scene);
      this.kept.set(key, picture);
      if (this.kept.size > MAX_KEPT) this.kept.delete(this.kept.keys().next().value);
      for (const canvas of waiting(wish, key)) put(canvas, picture);
    } catch {
      for (const canvas of waiting(wish, key)) canvas.sceneKey = null; // asked when it is shown again
    }
    this.wanted.delete(key);
    this.asked -= 1;
    this.pump();
  }

  /** A button with the picture of a scene; `pick` is what a click does. */
  button({ pick }) {
    const canvas = h("canvas", { width: 1, height: 1 });
    const caption = h("span");
    const element = h("button", { type: "button", className: "thumb", onclick: () => pick(element.scene) }, canvas, caption);
    element.update = (scene, text) => {
      element.scene = scene;
      caption.textContent = text ?? scene.seed;
      const words = describe(scene, this.app.model);
      element.title = words;
      element.setAttribute("aria-label", words);
      this.paint(canvas, scene);
    };
    makeDraggable(element);
    return element;
  }

  /** Show a list of scenes in a container with as few changes as possible. */
  list(container, scenes, make, update) {
    while (container.children.length > scenes.length) container.lastChild.remove();
    scenes.forEach((scene, place) => {
      const child = container.children[place] ?? container.appendChild(make());
      update(child, scene);
    });
  }
}

/** The canvases that want a picture still. */
const waiting = ({ canvases }, key) =>
  [...canvases].filter((canvas) => canvas.sceneKey === key && canvas.isConnected);

function shrink(picture) {
  const scale = SIZE / Math.max(picture.width, picture.height);
  if (scale >= 1) return picture;
  const large = h("canvas", { width: picture.width, height: picture.height });
  large.getContext("2d").putImageData(picture, 0, 0);
  const small = h("canvas", { width: Math.round(scale * picture.width), height: Math.round(scale * picture.height) });
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(large, 0, 0, small.width, small.height);
  return context.getImageData(0, 0, small.width, small.height);
}

function put(canvas, picture) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.classList.remove("waiting");
  canvas.classList.toggle("pixels", Math.max(picture.width, picture.height) < SIZE);
  canvas.getContext("2d").putImageData(picture, 0, 0);
}
