// The models: which are chosen, what they need, and their cards.
import { call } from "./api.js";
import { byId, duration, make, parsed, problem } from "./elements.js";

const words = (name) => name.replaceAll("_", "-").toUpperCase();

export class Models {
  constructor(models, changed) {
    this.models = models;
    this.boxes = new Map();
    for (const model of models) byId("models").append(this.row(model, changed));
    this.showPerson();
  }

  row(model, changed) {
    const box = make("input", { type: "checkbox", id: `model-${model.name}`, "aria-describedby": `about-${model.name}`, autocomplete: "off" });
    box.checked = model.preselected;
    box.addEventListener("change", () => { this.showPerson(); changed(); });
    this.boxes.set(model.name, box);
    return make("div", { class: "choice" },
      box,
      make("div", {},
        make("label", { for: box.id }, model.name),
        make("p", { class: "note", id: `about-${model.name}` }, about(model))),
      make("button", { type: "button", "aria-label": `Card of ${model.name}`, onclick: () => showCard(model) }, "Card"));
  }

  chosen() { return this.models.filter((model) => this.boxes.get(model.name).checked); }

  showPerson() {
    byId("person").hidden = !this.chosen().some((model) => model.compares_people);
  }

  // Why the chosen models cannot run on these channels, or "".
  lacking(channels) {
    for (const model of this.chosen()) {
      const needed = Object.entries(model.channels).filter(([, required]) => required).map(([name]) => name);
      const missing = needed.filter((name) => !(name in channels));
      if (missing.length) return `${model.name} needs ${missing.map(words).join(" and ")}.`;
      if (!Object.keys(model.channels).some((name) => name in channels)) {
        return `${model.name} needs one of ${Object.keys(model.channels).map(words).join(", ")}.`;
      }
    }
    return "";
  }
}

function about(model) {
  const needs = Object.entries(model.channels).map(([name, required]) => words(name) + (required ? "" : " (optional)"));
  const parts = [`${model.summary}.`, `Takes ${needs.join(", ")}.`];
  if (model.seconds) parts.push(`About ${duration(model.seconds)}.`);
  return [...parts, `Weights: ${model.licence}.`].join(" ");
}

async function showCard(model) {
  try {
    const card = await call("GET", `/models/${model.name}/card`);
    byId("card-title").textContent = `${model.name} ${model.version}`;
    byId("card-text").replaceChildren(...parsed(card));
    byId("card").showModal();
  } catch (error) {
    problem(error.message);
  }
}
