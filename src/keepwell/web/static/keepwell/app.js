"use strict";
// Theme, density, keyboard. Everything on the pages works without this file; it makes them quicker to use.

const root = document.documentElement;

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
}

function say(selector, text) {
  for (const place of document.querySelectorAll(selector)) place.textContent = text;
}

const THEMES = ["", "light", "dark"];

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-switch]")) {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme || "") + 1) % THEMES.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    remember("theme", next);
    say("[data-theme-name]", next || "system");
    document.dispatchEvent(new Event("themechange"));
  }
  if (event.target.closest("[data-density-switch]")) {
    const next = root.dataset.density === "compact" ? "comfortable" : "compact";
    root.dataset.density = next;
    remember("density", next);
    say("[data-density-name]", next);
  }
  if (event.target.closest("[data-open-keys]")) document.getElementById("keys").showModal();
});

document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-submit]");
  if (field) field.form.submit();
  if (event.target.id === "keys-on") localStorage.setItem("keys", event.target.checked ? "on" : "off");
});

// A list that the browser restores from its own memory may be old, or belong to somebody who signed out.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// What is on in the form must be what the address says, also after going back.
document.addEventListener("htmx:afterSettle", () => {
  const form = document.getElementById("filters");
  if (!form) return;
  const state = new URLSearchParams(location.search);
  for (const name of ["sort", "moved", "from", "to", "days", "attention"]) {
    const field = form.querySelector(`input[type="hidden"][name="${name}"]`);
    if (field && !state.has(name)) field.remove();
  }
});

// The address should hold what was chosen and nothing else. What the page shows already is not asked for again: leaving
// a field would take the rows away from under the keys.
document.addEventListener("htmx:configRequest", (event) => {
  const values = event.detail.parameters;
  for (const name of [...Object.keys(values)]) {
    if (values[name] === "") delete values[name];
  }
  const asked = new URLSearchParams(event.detail.formData);
  if (event.detail.elt.id === "filters" && `${asked}` === location.search.slice(1)) event.preventDefault();
});

const keysAreOn = () => localStorage.getItem("keys") !== "off";
const keysField = document.getElementById("keys-on");
if (keysField) keysField.checked = keysAreOn();

function isTyping(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

function rows() {
  return [...document.querySelectorAll("[data-rows] tbody tr, ol[data-rows] > li")];
}

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const now = all.findIndex((row) => row.classList.contains("current"));
  const next = all[Math.min(Math.max(now + step, 0), all.length - 1)];
  for (const row of all) row.classList.toggle("current", row === next);
  const link = next.querySelector("a");
  if (link) link.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

// What a key does with the row that is current, or on a page about one thing with that. A menu opens for one more key,
// and what sends is only gone to: it takes Enter as well.
function act(key) {
  const place = document.querySelector("[data-rows] .current") || (rows().length ? null : document);
  const target = place?.querySelector(`[data-key="${key}"]`);
  if (!target) return false;
  if (target.tagName === "SUMMARY") {
    target.parentElement.open = true;
    target.parentElement.querySelector("button, select").focus();
  } else if ("keyFocuses" in target.dataset) target.focus();
  else target.click();
  return true;
}

let waitsForPage = 0;

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isTyping(event.target)) {
    // Else the browser empties it.
    if (event.target.type === "search") event.preventDefault();
    event.target.blur();
  }
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || !keysAreOn()) return;
  if (document.querySelector("dialog[open]")) return;
  if (waitsForPage && event.timeStamp - waitsForPage < 1500) {
    waitsForPage = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) location.assign(link.href);
    return;
  }
  const acts = {
    "/": () => {
      const field = document.querySelector("[data-search]");
      if (field) field.select();
      else location.assign("/accounts#q");
      return true;
    },
    g: () => (waitsForPage = event.timeStamp),
    j: () => move(1),
    k: () => move(-1),
    e: () => act("e"),
    s: () => act("s"),
    a: () => act("a"),
    c: () => act("c"),
    w: () => {
      const why = document.getElementById("why-section");
      if (why) why.scrollIntoView();
      return why !== null;
    },
    "?": () => document.getElementById("keys").showModal() === undefined,
  };
  if (Object.hasOwn(acts, event.key) && acts[event.key]()) event.preventDefault();
});

if (location.hash === "#q") document.querySelector("[data-search]")?.focus();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const place = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(place.textContent);
    say("[data-copied]", "Copied.");
  } catch {
    // Without https the browser lets nobody write to the clipboard; the text is selected instead.
    getSelection().selectAllChildren(place);
    say("[data-copied]", "Selected; copy it with the keyboard.");
  }
});
