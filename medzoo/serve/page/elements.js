// Elements made of values: text is always text, never markup.
export function make(tag, attributes = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) found.addEventListener(name.slice(2), value);
    else if (value === true) found.setAttribute(name, "");
    else if (value !== false && value != null) found.setAttribute(name, value);
  }
  found.append(...children.flat().filter((child) => child != null && child !== false));
  return found;
}

export const byId = (id) => document.getElementById(id);

// Markup that the server made of escaped values; scripts in it would not run.
export function parsed(html) {
  return [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
}

export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

export function duration(seconds) {
  if (seconds < 1) return "a moment";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

let timer;
export function problem(text) {
  const place = byId("problem");
  place.textContent = text;
  place.hidden = !text;
  clearTimeout(timer);
  if (text) timer = setTimeout(() => problem(""), 30000);
}
