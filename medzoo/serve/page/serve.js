// The page: scans and models are chosen, jobs started, and everything can be deleted.
import { call } from "./api.js";
import { byId, make, problem } from "./elements.js";
import { Jobs } from "./jobs.js";
import { Models } from "./models.js";
import { Scans } from "./scans.js";

const REFRESH_MS = 60000;

async function begin() {
  const [session, list] = await Promise.all([call("GET", "/session"), call("GET", "/models")]);
  const channels = [...new Set(list.flatMap((model) => Object.keys(model.channels)))];
  const models = new Models(list, changed);
  const scans = new Scans(channels, session.limits, changed);
  const jobs = new Jobs(list);
  session.scans.forEach((scan) => scans.add(scan));
  session.jobs.forEach((job) => jobs.add(job));
  const run = byId("run");

  function why() {
    if (!models.chosen().length) return "Choose a model.";
    if (scans.uploading) return "The upload is not finished.";
    const { channels: given } = scans.chosen();
    if (!Object.keys(given).length) return "Add a scan.";
    return models.lacking(given);
  }

  function changed() {
    const reason = why();
    byId("why").textContent = reason;
    // Not `disabled`: the keyboard must reach it to learn why.
    run.setAttribute("aria-disabled", String(Boolean(reason)));
  }

  run.addEventListener("click", async () => {
    if (why()) return;
    problem("");
    const person = byId("person").hidden ? {} : { age: byId("age").valueAsNumber || null, sex: byId("sex").value || null };
    run.setAttribute("aria-disabled", "true");
    try {
      await jobs.start({ models: models.chosen().map((model) => model.name), ...scans.chosen(), ...person });
      refresh();
    } catch (error) {
      problem(error.message);
    }
    changed();
  });
  byId("end").addEventListener("click", end);
  changed();
  tellEnd(session);
  setInterval(refresh, REFRESH_MS);
}

async function refresh() {
  try {
    tellEnd(await call("GET", "/session"));
  } catch (error) {
    if (error.status === 403) over("The session has ended, and all of it was deleted.");
  }
}

function tellEnd({ seconds_left }) {
  const end = new Date(Date.now() + 1000 * seconds_left);
  byId("ends").textContent = `Scans stay on this machine; all is deleted at ${end.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}.`;
}

async function end() {
  try {
    await call("DELETE", "/session");
  } catch (error) {
    if (error.status !== 403) return problem(error.message);
  }
  return over("Everything was deleted.");
}

function over(text) {
  document.querySelector("main").replaceChildren(
    make("h2", { tabindex: "-1", id: "over" }, text),
    make("p", {}, "For another session open the address that medzoo serve printed."));
  document.querySelector("nav").remove();
  byId("ends").textContent = "";
  byId("over").focus();
}

begin().catch((error) => problem(error.message));
