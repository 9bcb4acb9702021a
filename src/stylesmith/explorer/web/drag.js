// Dragging of small pictures by mouse, pen and touch (after a long press), and by keyboard.
//
// A place to drop has the attribute `data-drop` and a function `takeScene(scene)`.

const FAR = 6; // pixels of movement that make a drag of a press
const LONG_PRESS = 350; // milliseconds

let held = null;

/** The element that was taken up by keyboard, if any. */
export const heldElement = () => held;

export function hold(element) {
  held?.classList.remove("held");
  held = element;
  held?.classList.add("held");
}

/** Let an element that has a `scene` be dragged to places that take scenes. */
export function makeDraggable(element) {
  element.addEventListener("pointerdown", (press) => {
    if (press.button || !element.scene) return;
    const drag = { element, id: press.pointerId, x: press.clientX, y: press.clientY, ghost: null };
    const touch = press.pointerType === "touch";
    const timer = touch ? setTimeout(() => begin(drag), LONG_PRESS) : 0;
    const move = (event) => {
      if (event.pointerId !== drag.id) return;
      const far = Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > FAR;
      if (!drag.ghost && far) {
        if (touch) return end();
        begin(drag);
      }
      if (drag.ghost) follow(drag, event.clientX, event.clientY);
    };
    const end = (event) => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener, true);
      if (drag.ghost) finish(drag, event?.type === "pointerup");
    };
    const escape = (event) => event.key === "Escape" && end();
    const still = (event) => drag.ghost && event.preventDefault();
    const listeners = { pointermove: move, pointerup: end, pointercancel: end, keydown: escape, touchmove: still };
    for (const [name, listener] of Object.entries(listeners)) {
      addEventListener(name, listener, { capture: true, passive: false });
    }
  });
  element.addEventListener("dragstart", (event) => event.preventDefault());
  element.addEventListener("contextmenu", (event) => document.body.classList.contains("dragging") && event.preventDefault());
}

function begin(drag) {
  const source = drag.element.querySelector("canvas");
  drag.ghost = source.cloneNode();
  drag.ghost.className = "ghost";
  drag.ghost.getContext("2d").drawImage(source, 0, 0);
  document.body.append(drag.ghost);
  document.body.classList.add("dragging");
  follow(drag, drag.x, drag.y);
}

function follow(drag, x, y) {
  drag.ghost.style.transform = `translate(${x + 8}px, ${y + 8}px)`;
  const place = document.elementFromPoint(x, y)?.closest("[data-drop]") ?? null;
  if (place === drag.place) return;
  drag.place?.classList.remove("target");
  place?.classList.add("target");
  drag.place = place;
}

function finish(drag, dropped) {
  drag.ghost.remove();
  drag.place?.classList.remove("target");
  document.body.classList.remove("dragging");
  if (dropped && drag.place) drag.place.takeScene(drag.element.scene);
  // The click that follows a drag is none.
  const swallow = (event) => event.stopImmediatePropagation();
  drag.element.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => drag.element.removeEventListener("click", swallow, true), 50);
}
