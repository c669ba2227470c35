// A zip without compression: the browser reads its files when it sends it.
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});
// What the format without its extensions holds.
const MOST_FILES = 0xffff;
const MOST_BYTES = 0xffffffff;

function checksum(bytes) {
  let rest = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) rest = TABLE[(rest ^ bytes[at]) & 0xff] ^ (rest >>> 8);
  return ~rest >>> 0;
}

// Little-endian numbers of two or four bytes.
function record(...fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}

// Puts files into one; hear is told the share that was read. Inside, files have numbers
// for names: nothing of the sender's names is needed.
export async function zipped(name, files, hear = () => {}) {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  if (files.length > MOST_FILES || total + 200 * files.length > MOST_BYTES) {
    throw new Error(`A folder takes at most ${MOST_FILES} files and 4 GB. Received: ${files.length} files, ${(total / 1e9).toFixed(1)} GB. Choose the folder of one study.`);
  }
  const parts = [];
  const directory = [];
  let [at, read] = [0, 0];
  for (const [number, file] of files.entries()) {
    const own = new TextEncoder().encode(`${number + 1}.dcm`);
    const sum = checksum(new Uint8Array(await file.arrayBuffer()));
    // Version, flags, method, time and date (1 January 1980), checksum, sizes, name.
    const facts = [[2, 20], [2, 0], [2, 0], [2, 0], [2, 0x21], [4, sum], [4, file.size], [4, file.size], [2, own.length], [2, 0]];
    const head = record([4, 0x04034b50], ...facts);
    parts.push(head, own, file);
    directory.push(record([4, 0x02014b50], [2, 20], ...facts, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), own);
    at += head.length + own.length + file.size;
    read += file.size;
    hear(read / total);
  }
  const length = directory.reduce((sum, bytes) => sum + bytes.length, 0);
  const end = record([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, length], [4, at], [2, 0]);
  return new File([...parts, ...directory, end], name, { type: "application/zip" });
}
