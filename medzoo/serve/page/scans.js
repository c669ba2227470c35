// The scans: dropped, uploaded one after the other, and which channel each is.
import { call, upload } from "./api.js";
import { byId, make, problem, size } from "./elements.js";
import { chosen, dropped, scansOf } from "./folders.js";

const UNUSED = "";
const SEVERAL = "Which series";

export class Scans {
  // channels: names that the models know; changed: called when anything may be run.
  constructor(channels, limits, changed) {
    this.channels = channels;
    this.limits = limits;
    this.changed = changed;
    this.rows = new Map();
    this.waiting = Promise.resolve();
    const drop = byId("drop");
    for (const input of [byId("files"), byId("folder")]) {
      input.addEventListener("change", () => {
        const found = chosen(input.files);
        input.value = "";
        this.gather(found);
      });
    }
    // The whole page takes what is dropped: a miss must not open the file.
    document.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
    document.addEventListener("dragleave", () => drop.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.gather(dropped(event.dataTransfer));
    });
  }

  // Files and folders become scans; many DICOM files take a while to be read.
  async gather(found) {
    problem("");
    byId("gathering").textContent = "Reading the files …";
    byId("gathering").hidden = false;
    try {
      const { scans, ignored } = await scansOf(await found, (share) => { byId("gathering").textContent = `Reading the files: ${Math.round(100 * share)} %`; });
      const room = this.limits.session_scans - this.rows.size;
      if (scans.length > room && scans.length > 1) problem(`A session has room for ${room} more scans. Received: ${scans.length}. Choose those of one person.`);
      else if (!scans.length) problem(`A folder must hold a scan: NIfTI, NRRD, MetaImage, MGH or DICOM. Received: ${ignored} other files.`);
      else this.take(scans);
    } catch (error) {
      problem(error.message);
    }
    byId("gathering").hidden = true;
  }

  take(files) {
    for (const file of files) {
      if (file.size > this.limits.upload_bytes) {
        problem(`A scan takes at most ${size(this.limits.upload_bytes)}. Received: ${file.name}, ${size(file.size)}.`);
        continue;
      }
      const row = this.pending(file);
      this.waiting = this.waiting.then(() => this.send(file, row));
    }
    this.changed();
  }

  pending(file) {
    const bar = make("progress", { max: 1, value: 0, "aria-label": `Upload of ${file.name}` });
    const state = make("span", { class: "note" }, "waiting");
    const stop = make("button", { type: "button" }, "Cancel");
    const row = make("li", { class: "pending" }, make("strong", {}, file.name), bar, state, stop);
    byId("scans").append(row);
    let stopped = false;
    stop.addEventListener("click", () => { stopped = true; row.remove(); this.changed(); });
    return { row, bar, state, stop, isStopped: () => stopped };
  }

  async send(file, { row, bar, state, stop, isStopped }) {
    if (isStopped()) return;
    const sending = upload(file, (share) => {
      bar.value = share;
      state.textContent = share < 1 ? `${Math.round(100 * share)} %` : "is being read";
    });
    stop.addEventListener("click", sending.stop);
    try {
      const scan = await sending.done;
      row.remove();
      this.add(scan);
    } catch (error) {
      row.replaceChildren(
        make("strong", {}, file.name),
        make("span", { class: "error", role: "alert" }, error.message),
        make("button", { type: "button", onclick: () => row.remove() }, "Dismiss"),
      );
      row.className = "failed";
    }
    this.changed();
  }

  add(scan) {
    const channel = make("select", { autocomplete: "off" },
      ...this.channels.map((name) => make("option", { value: name }, name.replaceAll("_", "-").toUpperCase())),
      make("option", { value: UNUSED }, "not used"));
    channel.value = this.channels.includes(scan.channel) ? scan.channel : this.channels[0];
    const series = this.seriesOf(scan);
    const row = make("li", {},
      make("strong", {}, scan.name),
      make("span", { class: "note" }, facts(scan)),
      make("label", {}, make("span", { class: "unseen" }, `Channel of ${scan.name}`), "Channel ", channel),
      series && make("label", {}, `${SEVERAL} `, series),
      make("button", { type: "button", onclick: () => this.remove(scan.id) , "aria-label": `Remove ${scan.name}` }, "Remove"),
      scan.warnings.map((text) => make("p", { class: "warning" }, text)));
    channel.addEventListener("change", () => { this.only(scan.id); this.changed(); });
    byId("scans").append(row);
    this.rows.set(scan.id, { row, channel, series, scan });
    this.only(scan.id);
  }

  seriesOf(scan) {
    if (scan.series.length < 2) return null;
    const select = make("select", { autocomplete: "off" }, scan.series.map((one) =>
      make("option", { value: one.uid }, [one.series, one.channel || one.modality, one.description, one.matrix.join("×")].filter(Boolean).join(" · "))));
    const fitting = scan.series.find((one) => one.channel === scan.channel);
    if (fitting) select.value = fitting.uid;
    return select;
  }

  // One scan a channel: the one that was set last.
  only(id) {
    const { value } = this.rows.get(id).channel;
    for (const [other, { channel }] of this.rows) {
      if (other !== id && channel.value === value) channel.value = UNUSED;
    }
  }

  async remove(id) {
    this.rows.get(id)?.row.remove();
    this.rows.delete(id);
    this.changed();
    await call("DELETE", `/scans/${id}`).catch((error) => problem(error.message));
  }

  get uploading() { return document.querySelector("#scans .pending") !== null; }

  // What a job takes: channel -> scan, and channel -> series.
  chosen() {
    const found = { channels: {}, series: {} };
    for (const [id, { channel, series }] of this.rows) {
      if (channel.value === UNUSED) continue;
      found.channels[channel.value] = id;
      if (series) found.series[channel.value] = series.value;
    }
    return found;
  }
}

function facts(scan) {
  const parts = [size(scan.bytes)];
  if (scan.shape) parts.push(`${scan.shape.join(" × ")} voxels of ${scan.spacing.map((s) => +s.toFixed(2)).join(" × ")} mm`, scan.orientation);
  if (scan.series.length > 1) parts.push(`${scan.series.length} DICOM series`);
  return parts.join(", ");
}
