// The jobs: their progress while they run, their results when they have ended.
import { call } from "./api.js";
import { byId, duration, make, parsed, problem } from "./elements.js";
import { canShow, closeIn, sceneButton } from "./scene.js";

const POLL_MS = 500;
const ENDED = ["done", "failed", "cancelled"];
const STAGES = {
  loading: "loading", reading: "reading the scan", placing: "preparing the scan",
  network: "running the network", drawing: "drawing the result",
  regions: "finding the regions", gradients: "computing the attribution",
};

export class Jobs {
  // models: as the API tells of them.
  constructor(models) {
    this.shown = new Map();
    this.explained = new Set(models.filter((model) => model.explains).map((model) => model.name));
  }

  add(job) {
    byId("nothing").hidden = true;
    // An explanation stands below the result that it is of.
    const [model] = job.models;
    const of = this.shown.get(job.explains);
    const host = of?.places.get(model);
    // One explanation a result; removed, it can be asked for again.
    const button = of?.buttons.get(model);
    if (button) button.disabled = true;
    const name = host ? `Explanation of ${job.models[0]}, ${job.case_id}` : job.case_id;
    const state = make("p", { class: "state", role: "status" });
    const bar = make("progress", { max: 1, value: 0, "aria-label": `Progress of ${name}` });
    const stop = make("button", { type: "button" }, "Cancel");
    const results = make("div", {});
    const title = make(host ? "h5" : "h3", { tabindex: "-1" }, host ? "Explanation of the prediction" : name);
    const row = make("article", { class: "job", "aria-label": name }, make("div", { class: "job-head" }, title, state, bar, stop), results);
    if (host) host.append(row);
    else byId("jobs").prepend(row);
    const one = { row, state, bar, stop, results, title, name, id: job.id, explains: job.explains, button, drawn: new Set(), places: new Map(), buttons: new Map() };
    stop.addEventListener("click", () => this.stop(one));
    this.shown.set(job.id, one);
    this.update(job);
    return one;
  }

  async start(wanted) {
    const one = this.add(await call("POST", "/jobs", wanted));
    one.title.focus({ preventScroll: true });
    one.row.scrollIntoView({ block: "start", behavior: "instant" });
  }

  async explain(one, name) {
    try {
      this.add(await call("POST", `/jobs/${one.id}/models/${name}/explanation`)).title.focus();
    } catch (error) {
      problem(error.message);
    }
  }

  async stop(one) {
    try {
      await call("DELETE", `/jobs/${one.id}`);
    } catch (error) {
      if (error.status !== 404) problem(error.message);
    }
    if (!one.ended) return;
    closeIn(one.row);
    one.row.remove();
    for (const [id, other] of this.shown) if (id === one.id || other.explains === one.id) this.shown.delete(id);
    if (one.button) one.button.disabled = false;
    byId("nothing").hidden = this.shown.size > 0;
  }

  // Asks for a job until it has ended.
  async watch(id) {
    const one = this.shown.get(id);
    while (one && this.shown.has(id) && !one.ended) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      try {
        this.update(await call("GET", `/jobs/${id}`));
      } catch (error) {
        if (error.status === 0) continue;
        one.ended = true;
        one.state.textContent = error.message;
      }
    }
  }

  update(job) {
    const one = this.shown.get(job.id);
    const text = told(job);
    // Only what changed is read out.
    if (one.state.textContent !== text) one.state.textContent = text;
    if (job.progress) one.bar.value = job.progress.share;
    for (const [name, record] of Object.entries(job.results)) {
      if (!one.drawn.has(name)) this.draw(one, job, name, record);
    }
    if (ENDED.includes(job.state) && !one.ended) {
      one.ended = true;
      one.bar.hidden = true;
      one.stop.textContent = "Remove";
      one.stop.setAttribute("aria-label", `Remove ${one.name}`);
      one.state.classList.toggle("error", job.state === "failed");
      if (job.state === "done") one.state.after(tables(job));
    }
    if (!one.watched) {
      one.watched = true;
      this.watch(job.id);
    }
  }

  async draw(one, job, name, record) {
    one.drawn.add(name);
    const explains = Boolean(job.explains);
    const place = make("section", { class: "case", "aria-label": explains ? `Explanation of ${name}` : `Result of ${name}` }, !explains && make("h4", {}, record.model || name));
    one.results.append(place);
    one.places.set(name, place);
    if (record.error) {
      place.append(make("p", { class: "error" }, `No result. ${record.error}`));
      return;
    }
    const root = `/jobs/${job.id}/models/${name}`;
    const row = downloads(root, name, record);
    if (!explains && this.explained.has(name)) {
      const button = make("button", { type: "button", onclick: () => this.explain(one, name) }, "Explain");
      button.title = "What in the scan the prediction rests on";
      one.buttons.set(name, button);
      row.append(button);
    }
    place.append(row);
    const view = make("div", {});
    place.append(view);
    try {
      view.append(...parsed(await call("GET", `${root}/view.html`)));
    } catch (error) {
      view.append(make("p", { class: "error" }, error.message));
    }
    view.dispatchEvent(new Event("medzoo:case", { bubbles: true }));
    const views = view.querySelector(".viewer, .still");
    if (views && canShow(record)) views.before(make("p", { class: "downloads" }, sceneButton(view, root, record, name)));
  }
}

function told(job) {
  if (job.state === "failed") return job.error;
  if (job.state === "cancelled") return "Cancelled.";
  if (job.state === "done") return `Done in ${duration(job.seconds)}.`;
  if (job.state === "queued") {
    return job.ahead ? `Waiting; ${job.ahead} before it.` : "Waiting for the models to be loaded.";
  }
  const { model, model_number, models, stage, windows, seconds_left } = job.progress || {};
  if (!model) return "Finishing.";
  const parts = [models > 1 ? `Model ${model_number} of ${models}, ${model}` : model, STAGES[stage]];
  if (windows && windows[1] > 1) parts.push(`${stage === "gradients" ? "step" : "window"} ${windows[0]} of ${windows[1]}`);
  return `${parts.join(": ")}. About ${duration(seconds_left)} left.`;
}

const link = (path, text) => make("a", { href: `/api/v1${path}`, class: "button", download: "" }, text);

function tables(job) {
  return make("p", { class: "downloads" }, link(`/jobs/${job.id}/results.csv`, "Table (CSV)"), link(`/jobs/${job.id}/results.json`, "Table (JSON)"));
}

function downloads(root, name, record) {
  const labels = record.volumes_ml ? "Label map (NIfTI)" : "Image (NIfTI)";
  return make("p", { class: "downloads" },
    record.files.includes("image.nii.gz") && link(`${root}/image.nii.gz`, labels),
    record.files.includes("map.nii.gz") && link(`${root}/map.nii.gz`, "Map (NIfTI)"),
    link(`${root}/report.html`, "Report (HTML)"));
}
