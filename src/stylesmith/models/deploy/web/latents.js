// From a seed to z: numpy.random.RandomState(seed).randn, number for number, so that a seed is the
// same image here and in Python. That is the Mersenne Twister (MT19937; Matsumoto and Nishimura
// 1998) and, for normal numbers, Marsaglia's polar method.

const SIZE = 624;
const SHIFT = 397;

/** Endless 32-bit numbers of a seed from 0 to 2**32 - 1. */
function* twister(seed) {
  const state = new Uint32Array(SIZE);
  state[0] = seed;
  for (let i = 1; i < SIZE; i++) {
    const last = state[i - 1];
    state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
  }
  while (true) {
    for (let i = 0; i < SIZE; i++) {
      const bits = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      state[i] = state[(i + SHIFT) % SIZE] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
    }
    for (let y of state) {
      y ^= y >>> 11;
      y ^= (y << 7) & 0x9d2c5680;
      y ^= (y << 15) & 0xefc60000;
      yield (y ^ (y >>> 18)) >>> 0;
    }
  }
}

/** Standard normal numbers of a seed, `size` of them, as a Float32Array. */
export function latent(seed, size) {
  const bits = twister(seed);
  const next = () => bits.next().value;
  const uniform = () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  const z = new Float32Array(size);
  for (let i = 0; i < size; i += 2) {
    let x, y, square;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    z[i] = scale * y; // of each pair numpy gives the second first
    if (i + 1 < size) z[i + 1] = scale * x;
  }
  return z;
}
