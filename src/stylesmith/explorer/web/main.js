// The page: one connection, one store, and panels that show the store's scene.

import { Connection } from "./connection.js";
import { byId, toast } from "./dom.js";
import { drawPanel } from "./draw_panel.js";
import { editPanel } from "./edit_panel.js";
import { keepPanel, takeLinkedScene } from "./keep_panel.js";
import { bindKeys } from "./keys.js";
import { mixPanel } from "./mix_panel.js";
import { Picture } from "./picture.js";
import { shapePanel } from "./shape_panel.js";
import { Store } from "./store.js";
import { Thumbnails } from "./thumbnails.js";

const THEME = "stylesmith-theme";
const SLOW = 200; // milliseconds of a picture
const THEMES = ["auto", "light", "dark"];

const app = { model: null, store: null, command: "", panels: [] };

// The token of the address has become a cookie: it should be in no history and no bookmark.
history.replaceState(null, "", location.pathname + location.hash);

function start(model) {
  app.model = model;
  document.documentElement.style.setProperty("--ratio", `${model.width} / ${model.height}`);
  const name = model.name.split(/[\\/]/).filter(Boolean).at(-1) ?? model.name;
  document.title = `${name} · stylesmith explore`;
  byId("model-name").textContent = name;
  byId("model-name").title = model.name;
  byId("model-facts").textContent = `${model.width}×${model.height} · ${model.precision} · ${model.hash.slice(0, 6)}`;
  app.store = new Store(model);
  app.thumbnails = new Thumbnails(app);
  app.picture = new Picture(app);
  app.mix = mixPanel(app);
  app.panels = [drawPanel(app), shapePanel(app), editPanel(app), app.mix, keepPanel(app)];
  app.store.listeners.push(update);
  bindKeys(app);
  addEventListener("hashchange", openLink);
  update(app.store.scene);
  openLink();
}

function openLink() {
  const linked = takeLinkedScene(app.model);
  if (linked) app.store.set(linked);
}

function update(scene) {
  for (const show of app.panels) show(scene);
  draw();
}

const REST = 100; // milliseconds after which a picture is no more one of a movement
let frame = 0, rest = 0;

/** Ask for the present scene, once for each frame of the screen, and never by a hidden page. */
function draw() {
  if (app.drawn === app.store.scene || document.hidden) return;
  app.picture.wait();
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    app.drawn = app.store.scene;
    app.connection.draw(app.store.scene);
  });
}

document.addEventListener("visibilitychange", () => app.store && draw());

app.connection = new Connection({
  model(model) {
    if (app.model && app.model.hash !== model.hash) location.reload();
    if (!app.model) start(model);
    else { // connected again: the scene is here, so nothing is lost
      app.drawn = null;
      update(app.store.scene);
      app.thumbnails.pump();
      toast("Connected again.");
    }
  },
  drawn(about, picture, isNewest) {
    // Twelve small pictures would keep a slow network busy: they wait until they are asked for.
    if (!app.command && about.milliseconds > SLOW) byId("edit-panel").open = false;
    app.picture.show(about, picture, isNewest);
    clearTimeout(rest);
    if (isNewest) {
      app.command = about.command;
      const scene = app.drawn;
      rest = setTimeout(() => app.thumbnails.keep(scene, picture), REST);
    }
    app.mix.shares?.(about.shares);
  },
  error(message) {
    if (app.picture) app.picture.fail(message);
  },
  state(text) {
    byId("notice").textContent = text;
    byId("notice").hidden = !text;
    if (text && app.picture) app.picture.wait();
  },
});

function showTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId("theme").title = `Theme: ${theme}`;
}

byId("theme").onclick = () => {
  const theme = THEMES[(THEMES.indexOf(localStorage.getItem(THEME) ?? "auto") + 1) % 3];
  localStorage.setItem(THEME, theme);
  showTheme(theme);
  toast(`Theme: ${theme === "auto" ? "as the system has it" : theme}`);
};
showTheme(localStorage.getItem(THEME) ?? "auto");
