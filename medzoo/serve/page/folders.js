// Folders: what of them is a scan, and DICOM files put together into one zip.
import { zipped } from "./zip.js";

const VOLUME = /\.(nii|nii\.gz|nrrd|mha|mgz|mgh|zip)$/i;
const DICOM = /\.(dcm|ima)$/i;
// Names of DICOM files may be bare UIDs, or have no suffix.
const PERHAPS_DICOM = /^[^.]+$|\.\d+$/;
const SIGNATURE_AT = 128;

// Files of a drop with their paths; entries live only as long as the event.
export function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.());
  if (!entries.length || entries.some((entry) => !entry)) return Promise.resolve(chosen(transfer.files));
  return Promise.all(entries.map((entry) => inside(entry, ""))).then((found) => found.flat());
}

export const chosen = (files) => [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

async function inside(entry, above) {
  const path = above + entry.name;
  if (entry.isFile) return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path }];
  const reader = entry.createReader();
  const found = [];
  // A reader gives a hundred at a time.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const one of some) found.push(...await inside(one, `${path}/`));
  }
}

// Scans to upload: images one by one, the DICOM files of each folder as one zip.
// Files that somebody named one by one are all sent, so that a refusal is read.
export async function scansOf(found, hear) {
  const images = [];
  const groups = new Map();
  let ignored = 0;
  for (const { file, path } of found) {
    const [top, ...rest] = path.split("/");
    const hidden = path.split("/").some((part) => part.startsWith("."));
    if (VOLUME.test(file.name) && !hidden) images.push(file);
    else if (!hidden && await isDicom(file)) {
      const folder = rest.length ? top : "";
      groups.set(folder, [...(groups.get(folder) || []), file]);
    } else if (rest.length) ignored += 1;
    else images.push(file);
  }
  for (const [folder, files] of groups) {
    if (!folder && files.length === 1) images.push(files[0]);
    else images.push(await zipped(`${folder || `${files.length} DICOM files`}.zip`, files, hear));
  }
  return { scans: images, ignored };
}

async function isDicom(file) {
  if (DICOM.test(file.name)) return true;
  if (!PERHAPS_DICOM.test(file.name)) return false;
  const bytes = new Uint8Array(await file.slice(SIGNATURE_AT, SIGNATURE_AT + 4).arrayBuffer());
  return String.fromCharCode(...bytes) === "DICM";
}
