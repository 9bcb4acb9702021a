// Scenes as plain values: every function gives a new one. Fields are those of sampling/scene.py.

/** The source that feeds a layer: its seed and amount, 0..1. */
export function sourceAt(scene, layer) {
  const part = scene.mix.findLast((one) => one.layers.includes(layer));
  return part ? { seed: part.seed, amount: part.amount } : { seed: scene.seed, amount: 0 };
}

/** Some layers fed by another seed; amount 0 or the seed of the scene gives them back to it. */
export function withSource(scene, layers, seed, amount = 1) {
  const mix = scene.mix
    .map((part) => ({ ...part, layers: part.layers.filter((layer) => !layers.includes(layer)) }))
    .filter((part) => part.layers.length);
  if (amount > 0 && seed !== scene.seed) {
    const same = mix.findIndex((part) => part.seed === seed && part.amount === amount);
    const taken = same < 0 ? layers : [...mix.splice(same, 1)[0].layers, ...layers];
    mix.push({ seed, layers: [...taken].sort((a, b) => a - b), amount });
  }
  return { ...scene, mix };
}

/** Some layers fed by what feeds them in another scene. */
export function withLayersOf(scene, layers, other) {
  return layers.reduce((mixed, layer) => {
    const { seed, amount } = sourceAt(other, layer);
    return amount ? withSource(mixed, [layer], seed, amount) : withSource(mixed, [layer], other.seed);
  }, scene);
}

const isSameMove = (a, b) => a.origin === b.origin && a.number === b.number && sameLayers(a.layers, b.layers);
const sameLayers = (a, b) => a.length === b.length && a.every((layer, place) => layer === b[place]);

/** How far a scene is moved along a direction, in standard deviations. */
export const strengthOf = (scene, direction) =>
  scene.moves.find((move) => isSameMove(move, direction))?.strength ?? 0;

/** A scene moved along a direction by another strength; 0 leaves it out. */
export function withStrength(scene, direction, strength) {
  const moves = scene.moves.filter((move) => !isSameMove(move, direction));
  return { ...scene, moves: strength ? [...moves, { ...direction, strength }] : moves };
}

/** The picture of one seed with the other settings of a scene, unmixed. */
export const seedOf = (scene, seed) => ({ ...scene, seed, mix: [] });

export const sameScene = (a, b) => sceneKey(a) === sceneKey(b);
export const sceneKey = (scene) => JSON.stringify(scene);

/** `0-3`, `5`, of numbers in rising order. */
export function ranges(numbers) {
  const runs = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`)).join(", ");
}

/** A scene in few words. */
export function describe(scene, model) {
  const words = [`Seed ${scene.seed}`];
  for (const part of scene.mix) {
    const share = part.amount < 1 ? ` (${Math.round(100 * part.amount)} %)` : "";
    words.push(`+ ${part.seed}${share} on layers ${ranges(part.layers)}`);
  }
  if (scene.moves.length) words.push(`edited (${scene.moves.length})`);
  words.push(scene.layer_psi ? "ψ by layer" : `ψ ${scene.psi.toFixed(2)}`);
  if (Array.isArray(scene.label)) words.push("mixed classes");
  else if (scene.label !== null) words.push(model.class_names[scene.label] ?? `class ${scene.label}`);
  if (scene.noise.mode !== "fixed") words.push(scene.noise.mode === "none" ? "no noise" : "other noise");
  return words.join(" · ");
}

/** Only what differs from the model's own scene: short links. */
export function packScene(scene, standard) {
  const packed = { version: scene.version };
  for (const key of Object.keys(scene)) {
    if (JSON.stringify(scene[key]) !== JSON.stringify(standard[key])) packed[key] = scene[key];
  }
  return JSON.stringify(packed);
}

/**
 * A whole scene from JSON that may leave things out, as files and links do. Values are checked by
 * the server, which draws it or says what is wrong; here only what the page itself relies on is.
 */
export function unpackScene(text, standard) {
  const given = JSON.parse(text);
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  if (!isObject(given)) throw new Error("no scene in it");
  if (given.version !== standard.version) throw new Error(`a scene of version ${given.version}`);
  const unknown = Object.keys(given).find((key) => !(key in standard));
  if (unknown) throw new Error(`no scene in it: ${unknown.slice(0, 40)} is unknown`);
  const plain = { seed: 0, psi: 0.7, layer_psi: null, center: "global", label: standard.label };
  const noise = { ...standard.noise, ...(given.noise ?? {}) };
  const mix = (given.mix ?? []).map((part) => ({ amount: 1, ...part }));
  const moves = (given.moves ?? []).map((move) => ({ origin: "weights", ...move }));
  const scene = { ...standard, ...plain, ...given, noise, mix, moves };
  const layersGood = [...mix, ...moves].every((part) => Array.isArray(part.layers) && part.layers.length);
  const numbers = [scene.seed, scene.psi, noise.strength, ...mix.map((part) => part.seed)];
  const psiGood = scene.layer_psi === null || Array.isArray(scene.layer_psi);
  if (!layersGood || !psiGood || !numbers.every(Number.isFinite)) throw new Error("a damaged scene");
  return scene;
}
