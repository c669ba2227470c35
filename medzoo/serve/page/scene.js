// Scene: a result in NiiVue, slices and 3-D in the scan's own space.
import { make, problem } from "./elements.js";

const SCRIPT = "/files/niivue.js";
const SCAN = "scan.nii.gz";
const OVERLAYS = { labels: "labels.nii.gz", result: "result.nii.gz", heat: "heat.nii.gz" };
// Vermilion raises, blue lowers (Okabe and Ito), as in the pictures of an explanation.
const RAISES = [213, 94, 0];
const LOWERS = [0, 114, 178];
// Of NIfTI. Without it NiiVue draws the background of more than 64 classes as the first.
const INTENT_LABEL = 1002;
const HEAT_LEVELS = 127;
// Of NiiVue: below the least value of a scale colours fade with the square of the value.
const FADING = 1;
// Below it they are clear; darker than this an image's voxels are air.
const CLEAR_BELOW = 2;
const AIR = 25;
// Where a half of the head is cut away in 3-D: depth, azimuth, elevation in degrees.
const WHOLE = [2, 0, 0];
const CUTS = { nothing: WHOLE, "left half": [0, 270, 0], "right half": [0, 90, 0], "front half": [0, 180, 0], "back half": [0, 0, 0], "upper half": [0, 0, 90] };

// Voxels.
const CROSS = 1.2;

let loading;
// One at a time: each holds the volumes on the graphics card.
let open = null;

export function canShow(record) {
  return document.body.dataset.views.includes("niivue") && typeof WebGL2RenderingContext !== "undefined" && record.files.includes(SCAN);
}

// The button that shows a result in 3-D instead of its three slices, and back.
export function sceneButton(place, root, record, name) {
  const button = make("button", { type: "button", "aria-expanded": "false" }, "3-D view");
  button.addEventListener("click", async () => {
    if (open?.button === button) return close();
    close();
    const flat = place.querySelector(".viewer, .still");
    const scene = make("div", { class: "scene" });
    flat.before(scene);
    flat.hidden = true;
    open = { button, scene, flat, stop: new AbortController() };
    button.setAttribute("aria-expanded", "true");
    button.textContent = "Slices";
    try {
      await show(open, place, root, record, name);
    } catch (error) {
      if (open?.button === button) close();
      problem(`The 3-D view failed: ${error.message}`);
    }
  });
  return button;
}

export function close() {
  if (!open) return;
  const { button, scene, flat, stop, viewer } = open;
  open = null;
  stop.abort();
  viewer?.cleanup();
  // The memory of the graphics card is given back now, not at some time.
  viewer?.gl.getExtension("WEBGL_lose_context")?.loseContext();
  scene.remove();
  flat.hidden = false;
  button.setAttribute("aria-expanded", "false");
  button.textContent = "3-D view";
}

// Closes the scene that is in a part of the page that goes away.
export function closeIn(part) {
  if (open && part.contains(open.scene)) close();
}

function niivue() {
  loading ??= new Promise((resolve, reject) => {
    const script = make("script", { src: SCRIPT });
    script.addEventListener("load", () => resolve(globalThis.niivue));
    script.addEventListener("error", () => { loading = undefined; reject(new Error("NiiVue could not be loaded.")); });
    document.head.append(script);
  });
  return loading;
}

async function show(own, place, root, record, name) {
  own.scene.append(make("p", { class: "note", role: "status" }, "Loading …"));
  const { Niivue, SLICE_TYPE, SHOW_RENDER } = await niivue();
  if (own.stop.signal.aborted) return;
  const canvas = make("canvas", { tabindex: "0", role: "img", "aria-label": `Slices and 3-D view of ${name}; arrow keys and Page Up, Page Down move the cross hair` });
  const frame = make("div", { class: "scene-frame" }, canvas);
  const told = make("p", { class: "scene-place", role: "status" });
  const viewer = new Niivue({
    logLevel: "warn", dragAndDropEnabled: false, isRadiologicalConvention: true, sagittalNoseLeft: true, show3Dcrosshair: true,
    multiplanarShowRender: SHOW_RENDER.ALWAYS, multiplanarForceRender: true, crosshairColor: [1, 0.85, 0.2, 1], crosshairWidth: CROSS, backColor: [0, 0, 0, 1],
    // In the middle of an edge the cross hair would run through it.
    isCornerOrientationText: true,
    isOrientCube: true, scrollRequiresFocus: true, fontColor: [1, 1, 1, 1],
  });
  own.viewer = viewer;
  const layers = layersOf(place, root, record);
  viewer.onLocationChange = ({ mm }) => { told.textContent = inWords(viewer, mm, layers); };
  own.scene.replaceChildren(frame, told);
  await viewer.attachToCanvas(canvas);
  await viewer.loadVolumes(layers.map(({ url, name: file, colormap, opacity }) => ({ url, name: file, colormap, opacity })));
  if (own.stop.signal.aborted) return;
  dress(viewer, layers);
  frame.before(controls(viewer, layers, SLICE_TYPE));
  follow(own, viewer, layers, place);
  viewer.setSliceType(SLICE_TYPE.MULTIPLANAR);
  canvas.addEventListener("keydown", (event) => step(viewer, event), { signal: own.stop.signal });
  viewer.createOnLocationChange();
}

// The scan, and what lies over it: classes, a signed map, or another image.
function layersOf(place, root, record) {
  const scan = { url: `/api/v1${root}/${SCAN}`, name: SCAN, colormap: "gray", opacity: 1 };
  const kind = Object.keys(OVERLAYS).find((one) => record.files.includes(OVERLAYS[one]));
  if (!kind) return [scan];
  const over = { url: `/api/v1${root}/${OVERLAYS[kind]}`, name: OVERLAYS[kind], colormap: "gray", opacity: 1, kind };
  if (kind === "labels") {
    over.opacity = 0.45;
    over.classes = classesOf(place);
  }
  if (kind === "heat") over.opacity = 0.85;
  return [scan, over];
}

// Number, name, colour and box of every class, as the legend has them.
function classesOf(place) {
  const colours = (place.querySelector("[data-colours]")?.dataset.colours || "").split(" ").map((text) => text.split(",").map(Number));
  return [...place.querySelectorAll("input[data-class]")].map((box) => {
    const number = Number(box.dataset.class);
    const row = box.closest("tr");
    return { number, box, name: (row.querySelector(".name") || row.querySelector("th")).textContent.trim(), button: row.querySelector("button.name"), colour: colours[number - 1] || [255, 255, 255] };
  });
}

function dress(viewer, layers) {
  viewer.setMultiplanarPadPixels(4);
  viewer.setClipPlaneColor([0, 0, 0, 0]);
  const over = layers[1];
  Object.assign(viewer.volumes[0], { cal_min: 0, cal_max: 255 });
  if (over?.kind === "labels") {
    viewer.volumes[1].hdr.intent_code = INTENT_LABEL;
    viewer.volumes[1].setColormapLabel(colours(over));
    over.voxels = viewer.volumes[1].img.slice();
    hide(viewer, over);
  }
  if (over?.kind === "heat") {
    viewer.addColormap("raises", ramp(RAISES));
    viewer.addColormap("lowers", ramp(LOWERS));
    const [full, least] = [HEAT_LEVELS, HEAT_LEVELS - 0.1];
    Object.assign(viewer.volumes[1], { colormapType: FADING, colormap: "raises", colormapNegative: "lowers", cal_min: least, cal_max: full, cal_minNeg: -full, cal_maxNeg: -least });
  }
  // Air would hide in 3-D what is behind it.
  if (over?.kind === "result") Object.assign(viewer.volumes[1], { colormapType: CLEAR_BELOW, cal_min: AIR, cal_max: 255 });
  viewer.updateGLVolume();
}

// One colour, clear at zero alone.
const ramp = ([r, g, b]) => ({ R: [r, r, r], G: [g, g, g], B: [b, b, b], A: [0, 255, 255], I: [0, 1, 255] });

function colours(over) {
  const map = { R: [0], G: [0], B: [0], A: [0], I: [0], labels: ["no class"] };
  for (const { number, name, colour } of over.classes) {
    map.I.push(number);
    map.R.push(colour[0]);
    map.G.push(colour[1]);
    map.B.push(colour[2]);
    map.A.push(255);
    map.labels.push(name);
  }
  return map;
}

// Takes classes out that are not ticked in the legend: their voxels, for a clear colour
// among others is not always clear.
function hide(viewer, over) {
  const shown = new Uint8Array(256);
  for (const { number, box } of over.classes) if (box.checked) shown[number] = number;
  const { img } = viewer.volumes[1];
  for (let voxel = 0; voxel < img.length; voxel++) img[voxel] = shown[over.voxels[voxel]];
  viewer.updateGLVolume();
}

function controls(viewer, layers, types) {
  const over = layers[1];
  const shown = { "Slices and 3-D": types.MULTIPLANAR, "3-D": types.RENDER, Axial: types.AXIAL, Coronal: types.CORONAL, Sagittal: types.SAGITTAL };
  const select = (words, options, act) => {
    const field = make("select", { autocomplete: "off" }, Object.keys(options).map((text) => make("option", {}, text)));
    field.addEventListener("change", () => act(options[field.value]));
    return make("label", {}, `${words} `, field);
  };
  const cross = make("input", { type: "checkbox", checked: true, autocomplete: "off" });
  cross.addEventListener("change", () => {
    viewer.setCrosshairWidth(cross.checked ? CROSS : 0);
    viewer.opts.show3Dcrosshair = cross.checked;
    viewer.drawScene();
  });
  return make("div", { class: "controls scene-controls" },
    select("Views", shown, (type) => viewer.setSliceType(type)),
    over && opacity(viewer, over),
    make("label", {}, cross, " Cross hair"),
    select("Cut away in 3-D", CUTS, (cut) => viewer.setClipPlane(cut)));
}

function opacity(viewer, over) {
  const words = { labels: "Opacity of the classes", heat: "Opacity of the map", result: "From scan to result" };
  const field = make("input", { type: "range", min: 0, max: 100, step: 5, value: 100 * over.opacity, class: "scene-opacity", autocomplete: "off" });
  const said = make("span", { class: "at" }, `${field.value} %`);
  field.addEventListener("input", () => {
    said.textContent = `${field.value} %`;
    viewer.setOpacity(1, Number(field.value) / 100);
  });
  return make("label", {}, `${words[over.kind]} `, field, said);
}

// The legend beside it: its boxes hide classes here too, its names lead to them.
function follow(own, viewer, layers, place) {
  const over = layers[1];
  if (over?.kind !== "labels") return;
  const { signal } = own.stop;
  let due;
  place.addEventListener("change", (event) => {
    if (!event.target.matches("input[data-class]")) return;
    cancelAnimationFrame(due);
    due = requestAnimationFrame(() => hide(viewer, over));
  }, { signal });
  for (const { number, button } of over.classes) button?.addEventListener("click", () => goTo(viewer, over, number), { signal });
}

// To the voxel of a class that is nearest to the middle of it.
function goTo(viewer, over, number) {
  const { voxels } = over;
  const [, across, deep] = viewer.volumes[1].hdr.dims;
  const of = (voxel) => [voxel % across, Math.floor(voxel / across) % deep, Math.floor(voxel / (across * deep))];
  const middle = [0, 0, 0];
  let count = 0;
  for (let voxel = 0; voxel < voxels.length; voxel++) {
    if (voxels[voxel] !== number) continue;
    of(voxel).forEach((index, axis) => { middle[axis] += index; });
    count += 1;
  }
  if (!count) return;
  let [nearest, least] = [null, Infinity];
  for (let voxel = 0; voxel < voxels.length; voxel++) {
    if (voxels[voxel] !== number) continue;
    const at = of(voxel);
    const away = at.reduce((sum, index, axis) => sum + (index - middle[axis] / count) ** 2, 0);
    if (away < least) [nearest, least] = [at, away];
  }
  const mm = viewer.volumes[1].vox2mm(nearest, viewer.volumes[1].matRAS);
  viewer.scene.crosshairPos = viewer.mm2frac(mm);
  viewer.createOnLocationChange();
  viewer.drawScene();
}

const STEPS = { ArrowLeft: [1, 0, 0], ArrowRight: [-1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0], PageUp: [0, 0, 1], PageDown: [0, 0, -1] };

function step(viewer, event) {
  const by = STEPS[event.key];
  if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  viewer.moveCrosshairInVox(...by);
}

function inWords(viewer, mm, layers) {
  const [x, y, z] = mm;
  const side = (value, plus, minus) => `${Math.abs(value).toFixed(1)} mm ${value < 0 ? minus : plus}`;
  const parts = [`${side(x, "right", "left")}, ${side(y, "front", "back")}, ${side(z, "up", "down")}`];
  const over = layers[1];
  if (over?.voxels) {
    // Files of the server are in RAS: voxels lie in the order of the axes.
    const [, across, deep] = viewer.volumes[1].hdr.dims;
    const [i, j, k] = viewer.volumes[1].mm2vox([x, y, z]);
    const value = over.voxels[i + across * (j + deep * k)];
    parts.push(over.classes.find(({ number }) => number === value)?.name || "no class");
  }
  return parts.join(": ");
}
