"use strict";
(() => {
  // Axis that is cut -> horizontal and vertical axis of the picture, all in RAS.
  // Both run backwards: right is on the left, and up is up.
  const PLANES = [[1, 2], [0, 2], [0, 1]];
  const LAYERS = ["image", "result", "labels", "heat"];
  // A signed map in eight bits: its zero, and its strongest; vermilion raises, blue lowers.
  const [HEAT_ZERO, HEAT_LEVELS] = [128, 127];
  const [RAISES, LOWERS] = [[213, 94, 0], [0, 114, 178]];
  // Tables longer than this get a field to search in.
  const LONG_TABLE = 20;

  async function unpack(text) {
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream();
    const plain = stream.pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(plain).arrayBuffer());
  }

  class Viewer {
    constructor(root) {
      this.root = root;
      const numbers = (name) => root.dataset[name].split(" ").map(Number);
      this.shape = numbers("shape");
      this.at = numbers("middle");
      this.strides = [this.shape[1] * this.shape[2], this.shape[2], 1];
      this.colours = (root.dataset.colours || "").split(" ").map((c) => c.split(",").map(Number));
      this.hidden = new Set();
      this.opacity = 0.45;
      this.crossed = false;
      this.views = [...root.querySelectorAll(".view")];
    }

    async start() {
      this.data = {};
      for (const name of LAYERS) {
        if (name in this.root.dataset) {
          this.data[name] = await unpack(this.root.dataset[name]);
        }
      }
      for (const view of this.views) this.connect(view);
      this.connectControls();
      this.drawAll();
      for (const still of this.root.querySelectorAll(".pane img")) still.hidden = true;
      for (const part of this.root.querySelectorAll("canvas, .slider, .controls")) part.hidden = false;
    }

    connect(view) {
      const axis = Number(view.dataset.axis);
      const [across, up] = PLANES[axis];
      const slider = view.querySelector(".slider input");
      slider.value = this.at[axis];
      slider.addEventListener("input", () => this.move(axis, Number(slider.value)));
      for (const pane of view.querySelectorAll(".pane")) {
        const canvas = pane.querySelector("canvas");
        canvas.width = this.shape[across];
        canvas.height = this.shape[up];
        for (const kind of ["across", "down"]) {
          const line = document.createElement("span");
          line.className = `cross ${kind}`;
          line.hidden = true;
          pane.append(line);
        }
        canvas.addEventListener("click", (event) => {
          const box = canvas.getBoundingClientRect();
          const x = (event.clientX - box.left) / box.width;
          const y = (event.clientY - box.top) / box.height;
          this.at[across] = this.inside(across, Math.floor((1 - x) * this.shape[across]));
          this.at[up] = this.inside(up, Math.floor((1 - y) * this.shape[up]));
          this.cross(true);
          this.drawAll();
        });
      }
    }

    connectControls() {
      const article = this.root.closest(".case");
      const opacity = this.root.querySelector(".opacity");
      if (opacity) {
        this.opacity = Number(opacity.value) / 100;
        opacity.addEventListener("input", () => {
          this.opacity = Number(opacity.value) / 100;
          opacity.parentElement.querySelector(".at").textContent = `${opacity.value} %`;
          this.drawAll();
        });
        for (const box of article.querySelectorAll("input[data-class]")) {
          box.hidden = false;
          box.addEventListener("change", () => {
            this.hidden[box.checked ? "delete" : "add"](Number(box.dataset.class));
            // Once, however many change together.
            cancelAnimationFrame(this.due);
            this.due = requestAnimationFrame(() => this.drawAll());
          });
          this.nameLeads(box.closest("tr"), Number(box.dataset.class));
        }
      }
      const box = this.root.querySelector(".cross-on");
      box.addEventListener("change", () => { this.cross(box.checked); this.drawAll(); });
    }

    // The name of a class becomes a button that cuts the views through it.
    nameLeads(row, label) {
      const name = row && row.querySelector(".name");
      if (!name) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "name";
      button.title = "Cut the views here";
      button.textContent = name.textContent;
      button.addEventListener("click", () => this.goTo(label));
      name.replaceWith(button);
    }

    // To the voxel of a class that is nearest to the middle of it.
    goTo(label) {
      const labels = this.data.labels;
      const places = [];
      for (let voxel = 0; voxel < labels.length; voxel++) if (labels[voxel] === label) places.push(voxel);
      if (!places.length) return;
      const of = (voxel) => this.strides.map((step, axis) => Math.floor(voxel / step) % this.shape[axis]);
      const middle = [0, 0, 0];
      for (const voxel of places) of(voxel).forEach((index, axis) => { middle[axis] += index / places.length; });
      const away = (voxel) => of(voxel).reduce((sum, index, axis) => sum + (index - middle[axis]) ** 2, 0);
      let nearest = places[0];
      let least = Infinity;
      for (const voxel of places) {
        const distance = away(voxel);
        if (distance < least) [nearest, least] = [voxel, distance];
      }
      this.at = of(nearest);
      this.cross(true);
      this.drawAll();
    }

    inside(axis, index) { return Math.min(Math.max(index, 0), this.shape[axis] - 1); }

    move(axis, index) {
      this.at[axis] = this.inside(axis, index);
      this.drawAll(axis);
    }

    cross(shown) {
      this.crossed = shown;
      this.root.querySelector(".cross-on").checked = shown;
    }

    // Draws the slice that moved, or all; the cross hairs of the others move too.
    drawAll(moved) {
      for (const view of this.views) {
        const axis = Number(view.dataset.axis);
        if (moved === undefined || moved === axis) this.draw(view, axis);
        this.drawCross(view, axis);
      }
    }

    draw(view, axis) {
      const index = this.at[axis];
      const title = view.querySelector("figcaption").textContent;
      const words = `slice ${index + 1} of ${this.shape[axis]}`;
      const slider = view.querySelector(".slider input");
      slider.value = index;
      slider.setAttribute("aria-valuetext", words);
      view.querySelector(".slider .at").textContent = `${index + 1} / ${this.shape[axis]}`;
      for (const pane of view.querySelectorAll(".pane")) {
        const canvas = pane.querySelector("canvas");
        const layer = pane.dataset.layer;
        this.paint(canvas, axis, this.data[layer], layer === "image" ? this.data.labels : undefined, this.data.heat);
        canvas.setAttribute("aria-label", `${title} ${words}, ${layer === "image" ? "scan" : layer}`);
      }
    }

    paint(canvas, axis, grey, labels, heat) {
      const [across, up] = PLANES[axis];
      const [width, height] = [canvas.width, canvas.height];
      const [step, rise] = [this.strides[across], this.strides[up]];
      const base = this.at[axis] * this.strides[axis];
      const context = canvas.getContext("2d");
      const picture = context.createImageData(width, height);
      const pixels = picture.data;
      let out = 0;
      for (let row = height - 1; row >= 0; row--) {
        for (let column = width - 1; column >= 0; column--, out += 4) {
          const voxel = base + column * step + row * rise;
          const level = grey[voxel];
          const label = labels ? labels[voxel] : 0;
          let colour = label && !this.hidden.has(label) ? this.colours[label - 1] : undefined;
          let share = this.opacity;
          if (heat && heat[voxel] !== HEAT_ZERO) {
            colour = heat[voxel] > HEAT_ZERO ? RAISES : LOWERS;
            share *= Math.abs(heat[voxel] - HEAT_ZERO) / HEAT_LEVELS;
          }
          for (let part = 0; part < 3; part++) {
            pixels[out + part] = colour ? level + share * (colour[part] - level) : level;
          }
          pixels[out + 3] = 255;
        }
      }
      context.putImageData(picture, 0, 0);
    }

    drawCross(view, axis) {
      const [across, up] = PLANES[axis];
      const place = (a) => `${100 * (1 - (this.at[a] + 0.5) / this.shape[a])}%`;
      for (const line of view.querySelectorAll(".cross")) {
        line.hidden = !this.crossed;
        if (line.classList.contains("down")) line.style.left = place(across);
        else line.style.top = place(up);
      }
    }
  }

  const make = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  // Puts a table into a part that scrolls and that the keyboard reaches.
  function scrolling(table) {
    let part = table.closest(".scroll");
    if (!part) {
      part = make("div", { tabIndex: 0 });
      part.setAttribute("role", "region");
      // One name each, of several cases and of several jobs.
      const summary = table.closest("details.case")?.querySelector("summary").textContent;
      const places = [summary, table.closest("section.case")?.ariaLabel, table.closest("article")?.ariaLabel];
      part.setAttribute("aria-label", [table.caption.textContent, ...places].filter(Boolean).join(", "));
      table.replaceWith(part);
      part.append(table);
    }
    part.classList.add("long");
    return part;
  }

  // A field that leaves those rows whose name has all the words, in any order.
  function searchable(table) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length <= LONG_TABLE || table.closest(".long")) return;
    const nameOf = (row) => row.querySelector("th").textContent.toLowerCase();
    const field = make("input", { type: "search", autocomplete: "off", spellcheck: false });
    const said = make("span", { className: "found" });
    said.setAttribute("role", "status");
    const boxes = rows.map((row) => row.querySelector("input[data-class]"));
    // Checks the boxes of the rows that are wanted, and no other.
    const check = (wanted) => rows.forEach((row, index) => {
      if (boxes[index] && boxes[index].checked !== wanted(row)) boxes[index].click();
    });
    const only = make("button", { type: "button", textContent: "Show only these" });
    only.addEventListener("click", () => check((row) => !row.hidden));
    const all = make("button", { type: "button", textContent: "Show all" });
    all.addEventListener("click", () => { field.value = ""; search(); check(() => true); });
    const search = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) row.hidden = !words.every((word) => nameOf(row).includes(word));
      const left = rows.filter((row) => !row.hidden).length;
      said.textContent = `${left} of ${rows.length} shown`;
    };
    field.addEventListener("input", search);
    field.addEventListener("keydown", (event) => {
      const first = rows.find((row) => !row.hidden);
      if (event.key === "Enter" && first) first.querySelector("button.name")?.click();
      if (event.key === "Escape") { field.value = ""; search(); }
    });
    search();
    const label = make("label", {}, "Search regions ", field);
    const bar = make("div", { className: "search" }, label, ...(boxes.some(Boolean) ? [only, all] : []), said);
    scrolling(table).before(bar);
  }

  // Each viewer unpacks its voxels when it is first seen, not before.
  const awake = new Set();
  function wake(part) {
    for (const table of part.querySelectorAll("table.with-bars")) searchable(table);
    if (typeof DecompressionStream === "undefined") return;
    for (const root of part.querySelectorAll(".viewer")) {
      if (awake.has(root)) continue;
      awake.add(root);
      new Viewer(root).start();
    }
  }

  function openTarget() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") target.open = true;
  }

  function sortable(table) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent;
        const rows = [...body.rows].sort((a, b) => compare(key(a), key(b), down));
        body.append(...rows);
      });
    });
  }

  // What is empty stays last, whichever way round.
  function compare(a, b, down) {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
    return down ? -order : order;
  }

  for (const part of document.querySelectorAll("details.case")) {
    part.addEventListener("toggle", () => { if (part.open) wake(part); });
  }
  for (const part of document.querySelectorAll("section.case")) wake(part);
  for (const table of document.querySelectorAll("table.cases, table.compared")) sortable(table);
  for (const table of document.querySelectorAll("table.compared")) searchable(table);
  // A page that adds a case later says so on it.
  addEventListener("medzoo:case", (event) => wake(event.target));
  addEventListener("hashchange", openTarget);
  openTarget();

  // Paper shows every case, and every region.
  let closed = [];
  let unfound = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const part of closed) part.open = true;
    unfound = [...document.querySelectorAll("tr[hidden]")];
    for (const row of unfound) row.hidden = false;
  });
  addEventListener("afterprint", () => {
    for (const part of closed) part.open = false;
    for (const row of unfound) row.hidden = true;
  });
})();
