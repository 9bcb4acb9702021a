// What a person has done: the present scene, undo and redo, the history of pictures, and pins.
//
// Undo belongs to this tab (sessionStorage), pictures and pins to the model (localStorage), so all
// outlive a reload, and the latter the browser too.

import { sameScene } from "./scene.js";

const MAX_HISTORY = 200;
const REST = 900; // milliseconds after which a picture counts as looked at

export class Store {
  constructor(model) {
    this.tabKey = `stylesmith-tab-${model.hash}`;
    this.modelKey = `stylesmith-${model.hash}`;
    const tab = read(sessionStorage, this.tabKey);
    const kept = read(localStorage, this.modelKey);
    this.scene = tab.scene ?? model.scene;
    this.hasWork = Boolean(tab.scene);
    this.undone = tab.undone ?? [];
    this.done = tab.done ?? [];
    this.history = kept.history ?? [];
    this.pins = kept.pins ?? [];
    this.listeners = [];
    this.inGesture = false;
    addEventListener("pagehide", () => this.save());
  }

  /** Change the scene within a gesture, such as a slider that moves: one step of undo for all. */
  change(scene) {
    if (sameScene(scene, this.scene)) return;
    if (!this.inGesture) this.done.push(this.scene);
    this.inGesture = true;
    this.undone = [];
    this.show(scene);
  }

  /** End a gesture. */
  commit = () => {
    this.inGesture = false;
  };

  /** Change the scene in one step. */
  set(scene) {
    this.commit();
    this.change(scene);
    this.commit();
  }

  undo() { this.step(this.done, this.undone); }
  redo() { this.step(this.undone, this.done); }

  step(from, to) {
    this.commit();
    if (!from.length) return;
    to.push(this.scene);
    this.show(from.pop());
  }

  show(scene) {
    this.scene = scene;
    this.hasWork = true;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.remember(), REST);
    this.tell();
  }

  /** Put the present picture at the front of the history. */
  remember() {
    const scene = this.scene;
    this.history = [scene, ...this.history.filter((one) => !sameScene(one, scene))].slice(0, MAX_HISTORY);
    this.save();
    this.tell();
  }

  togglePin(scene = this.scene) {
    const rest = this.pins.filter((one) => !sameScene(one, scene));
    const pinned = rest.length === this.pins.length;
    this.pins = pinned ? [...rest, scene] : rest;
    this.save();
    this.tell();
    return pinned;
  }

  clearHistory() {
    this.history = [];
    this.save();
    this.tell();
  }

  save() {
    const { scene, done, undone, history, pins } = this;
    if (this.hasWork) write(sessionStorage, this.tabKey, { scene, done, undone });
    write(localStorage, this.modelKey, { history, pins });
  }

  tell() { for (const listener of this.listeners) listener(this.scene); }
}

function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

/** Keep what fits: without room for everything, the older half of the steps is given up. */
function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    if (value.done?.length > 1) {
      write(storage, key, { ...value, done: value.done.slice(value.done.length >> 1), undone: [] });
    }
  }
}
