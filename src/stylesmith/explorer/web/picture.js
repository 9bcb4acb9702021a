// The large picture: enlarged by whole numbers so that small pictures stay crisp.

import { byId } from "./dom.js";
import { describe } from "./scene.js";

export class Picture {
  constructor(app) {
    this.app = app;
    this.frame = byId("frame");
    this.canvas = byId("picture");
    this.caption = byId("caption");
    this.problem = byId("problem");
    this.frame.dataset.drop = "picture";
    this.frame.takeScene = (scene) => app.store.set(scene);
    new ResizeObserver(() => this.fit()).observe(this.frame);
  }

  /** Say that a picture is on its way. */
  wait() { this.frame.setAttribute("aria-busy", "true"); }

  show(about, picture, isNewest) {
    if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
      this.canvas.width = picture.width;
      this.canvas.height = picture.height;
      this.fit();
    }
    this.canvas.getContext("2d").putImageData(picture, 0, 0);
    this.problem.textContent = "";
    if (!isNewest) return;
    this.frame.setAttribute("aria-busy", "false");
    const words = describe(this.app.store.scene, this.app.model);
    const milliseconds = about.milliseconds;
    const time = milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0);
    this.caption.textContent = `${words} · ${time} ms`;
    this.canvas.setAttribute("aria-label", `Picture: ${words}`);
  }

  /** Keep the last picture, and say what is wrong with the present scene. */
  fail(message) {
    this.frame.setAttribute("aria-busy", "false");
    this.problem.textContent = message;
  }

  fit() {
    const { width, height } = this.canvas;
    const room = Math.min(this.frame.clientWidth / width, this.frame.clientHeight / height);
    const dots = devicePixelRatio || 1;
    const scale = room * dots >= 1 ? Math.floor(room * dots) / dots : room;
    this.canvas.classList.toggle("pixels", scale >= 1);
    this.canvas.style.width = `${width * scale}px`;
    this.canvas.style.height = `${height * scale}px`;
  }
}
