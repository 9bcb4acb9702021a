// The websocket: requests go up as JSON, pictures come down as pixels. It connects again by itself.

const KINDS = { 1: "draw", 2: "thumbnail", 3: "save" };
const LONGEST_WAIT = 15000;
const IDLE_CODE = 4000, FULL_CODE = 4002;

export class Connection {
  /** `on` has model(facts), state(text or ""), drawn(about, picture) and error(message). */
  constructor(on) {
    this.on = on;
    this.ids = 0;
    this.waiting = new Map(); // requests other than drawing, by id
    this.wait = 1000;
    for (const event of ["pointerdown", "keydown"]) {
      addEventListener(event, () => this.isPaused && this.connect(), { capture: true });
    }
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    this.isPaused = false;
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`;
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = ({ code }) => this.lose(code);
    this.socket = socket;
  }

  get isOpen() { return this.socket.readyState === WebSocket.OPEN; }

  /** Ask for the large picture; only the newest scene counts. */
  draw(scene) {
    const id = ++this.ids;
    this.newest = id;
    if (this.isOpen) this.send({ kind: "draw", id, scene });
    return id;
  }

  /** Ask for a small picture, or a file to save. */
  ask(kind, scene) {
    return new Promise((resolve, reject) => {
      const id = ++this.ids;
      this.waiting.set(id, { resolve, reject });
      if (this.isOpen) this.send({ kind, id, scene });
      else this.refuse(id, "the connection is lost");
    });
  }

  send(message) { this.socket.send(JSON.stringify(message)); }

  receive(data) {
    if (data instanceof ArrayBuffer) {
      this.receivePicture(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.kind === "model") {
      this.wait = 1000;
      this.on.state("");
      this.on.model(message);
    } else if (message.kind === "drawn") {
      this.about = message;
    } else if (message.kind === "error") {
      if (this.waiting.has(message.id)) this.refuse(message.id, message.message);
      else if (message.id === null || message.id === this.newest) this.on.error(message.message);
    }
  }

  receivePicture(data) {
    const [id, number, width, height] = new Uint32Array(data, 0, 4);
    const content = new Uint8ClampedArray(data, 16);
    this.send({ kind: "received" });
    if (KINDS[number] === "draw") {
      this.on.drawn(this.about, new ImageData(content, width, height), id === this.newest);
      return;
    }
    const asked = this.waiting.get(id);
    this.waiting.delete(id);
    asked?.resolve(KINDS[number] === "save" ? content : new ImageData(content, width, height));
  }

  refuse(id, message) {
    this.waiting.get(id)?.reject(new Error(message));
    this.waiting.delete(id);
  }

  async lose(code) {
    for (const id of [...this.waiting.keys()]) this.refuse(id, "the connection is lost");
    if (code === IDLE_CODE) {
      this.isPaused = true;
      this.on.state("Paused: not used for ten minutes. Any key or click goes on.");
      return;
    }
    const wait = this.wait;
    this.wait = Math.min(2 * wait, LONGEST_WAIT);
    this.timer = setTimeout(() => this.connect(), wait);
    const again = `Trying again in ${Math.round(wait / 1000)} s; nothing is lost.`;
    this.on.state(code === FULL_CODE ? `Too many pages are open. ${again}` : `Connection lost. ${again}`);
    if (await isRefused()) {
      this.on.state("The server was started anew and asks for a token: open the address that it printed. Nothing is lost.");
    }
  }
}

async function isRefused() {
  try {
    return (await fetch("icon.svg")).status === 403;
  } catch {
    return false; // no server at all
  }
}
