// The JSON API, as any script uses it; the cookie says whose session it is.
const ROOT = "/api/v1";

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  let answer;
  try {
    answer = await fetch(ROOT + path, options);
  } catch {
    throw new Refused(0, "The server does not answer. Is it still running?");
  }
  if (!answer.ok) throw new Refused(answer.status, await reason(answer));
  const kind = answer.headers.get("content-type") || "";
  if (answer.status === 204) return null;
  return kind.startsWith("application/json") ? answer.json() : answer.text();
}

async function reason(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return `The server refused (${answer.status}).`;
  }
}

// Uploads tell how far they are, which fetch cannot.
export function upload(file, hear) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", (event) => hear(event.loaded / (event.total || 1)));
    request.addEventListener("error", () => reject(new Refused(0, "The upload was interrupted.")));
    request.addEventListener("abort", () => reject(new Refused(0, "")));
    request.addEventListener("load", () => {
      const answer = JSON.parse(request.responseText || "{}");
      if (request.status === 201) resolve(answer);
      else reject(new Refused(request.status, answer.error || "The server refused the scan."));
    });
  });
  request.open("PUT", `${ROOT}/scans?name=${encodeURIComponent(file.name)}`);
  request.send(file);
  return { done, stop: () => request.abort() };
}
