// Text inside PNG files. Pixels are not touched: only the chunks' headers are read.

/** The uncompressed international text of a keyword; null if there is none. */
export function readPngText(bytes, keyword) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const latin = (start, end) => String.fromCharCode(...bytes.subarray(start, end));
  let place = 8;
  while (place + 12 <= bytes.length) {
    const length = view.getUint32(place);
    const start = place + 8, end = start + length;
    if (end > bytes.length) return null;
    const head = `${keyword}\0\0\0\0\0`; // not compressed, no language, no translation
    if (latin(place + 4, start) === "iTXt" && latin(start, start + head.length) === head) {
      return new TextDecoder().decode(bytes.subarray(start + head.length, end));
    }
    place = end + 4;
  }
  return null;
}
