// Draws, beside the page, so that its controls never wait.

import { latent } from "./latents.js";
import * as ort from "./ort.js";

ort.env.wasm.numThreads = 1; // more would need headers that few file servers send
ort.env.wasm.wasmPaths = { wasm: new URL("ort.wasm", import.meta.url).href };

const ready = open();

async function open() {
  const model = await (await fetch("model.json")).json();
  const [mapping, synthesis] = await Promise.all(
    ["mapping.onnx", "synthesis.onnx"].map((name) => ort.InferenceSession.create(name)),
  );
  postMessage({ model });
  return { model, mapping, synthesis };
}

/** One w for each layer of a seed, as a flat array. */
async function styles({ model, mapping }, seed, { psi, label }) {
  const z = latent(seed, model.z_dim);
  const feeds = {
    z: new ort.Tensor("float32", z, [1, model.z_dim]),
    psi: new ort.Tensor("float32", [psi], []),
  };
  if (model.classes) {
    const row = Float32Array.from({ length: model.classes }, (_, i) => Number(i === label));
    feeds.label = new ort.Tensor("float32", row, [1, model.classes]);
  }
  return (await mapping.run(feeds)).w.data;
}

/** Styles of the first seed, with those of the second mixed in, group by group of layers. */
async function mixture(loaded, request) {
  const { model } = loaded;
  const ws = Float32Array.from(await styles(loaded, request.seed, request));
  if (request.amounts.some((amount) => amount > 0)) {
    const others = await styles(loaded, request.other, request);
    model.groups.forEach(({ first, last }, i) => {
      for (let j = first * model.w_dim; j < (last + 1) * model.w_dim; j++) {
        ws[j] += request.amounts[i] * (others[j] - ws[j]);
      }
    });
  }
  return new ort.Tensor("float32", ws, [1, model.num_ws, model.w_dim]);
}

/** Planes of -1..1 to the bytes of an image, RGBA. */
function toBytes(image) {
  const [, channels, height, width] = image.dims;
  const size = height * width;
  const bytes = new Uint8ClampedArray(4 * size).fill(255); // rounds and clips by itself
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < Math.max(channels, 3); c++) {
      const plane = channels === 1 ? 0 : c;
      bytes[4 * i + c] = (image.data[plane * size + i] + 1) * 127.5;
    }
  }
  return { bytes, width, height };
}

async function draw(request) {
  const loaded = await ready;
  const start = performance.now();
  const w = await mixture(loaded, request);
  const { images } = await loaded.synthesis.run({ w });
  return { image: toBytes(images), request, milliseconds: performance.now() - start };
}

const fail = (error) => postMessage({ problem: String(error?.message ?? error) });
ready.catch(fail);
onmessage = ({ data }) => draw(data).then(postMessage, fail);
