// Enhances pages that work without it: show and hide, the guide's light, menus, copying, times, double submits.
"use strict";

const all = (css, root = document) => [...root.querySelectorAll(css)];

// The server says it in the same words.
const ago = (seconds) => {
  const size = Math.abs(seconds);
  if (size < 60) return seconds < 0 ? "in a moment" : "just now";
  const units = (unit) => Math.floor(size / unit + (seconds < 0 ? 0.5 : 0));
  const days = units(86400);
  const span = units(60) < 60 ? units(60) + " min"
    : units(3600) < 24 ? units(3600) + " h"
    : days + (days === 1 ? " day" : " days");
  return seconds < 0 ? "in " + span : span + " ago";
};

const refreshTimes = () => {
  for (const time of all("time[data-ago]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    // What is to come and is late comes in a moment.
    time.textContent = ago(time.dataset.ago ? Math.min(seconds, -1) : seconds);
  }
};

const prepare = () => {
  for (const button of all("button[data-reveal]")) button.hidden = false;
  if (navigator.clipboard) for (const button of all("button[data-copy]")) button.hidden = false;
  refreshTimes();
};

const closeMenus = (but) => {
  for (const menu of all("details.menu[open]")) if (menu !== but) menu.open = false;
};

document.addEventListener("click", async ({ target }) => {
  closeMenus(target.closest("details.menu"));
  const reveal = target.closest("button[data-reveal]");
  if (reveal) {
    const input = document.getElementById(reveal.dataset.reveal);
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    const word = reveal.textContent = show ? "Hide" : "Show";
    reveal.setAttribute("aria-label", reveal.ariaLabel.replace(/^\S+/, word));
    input.focus();
  }
  const copy = target.closest("button[data-copy]");
  if (copy) {
    const words = copy.textContent;
    await navigator.clipboard.writeText(copy.dataset.copy);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = words; }, 2000);
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest("details.menu");
  if (!menu) return;
  const summary = menu.querySelector("summary");
  const stops = [summary, ...all(".sheet a, .sheet button", menu)];
  const at = stops.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + stops.length, Home: 1, End: -1 }[event.key];
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    summary.focus();
  } else if (to !== undefined && (menu.open || event.key === "ArrowDown")) {
    event.preventDefault();
    menu.open = true;
    stops.at(to % stops.length).focus();
  }
});

// The step of the guide that tells where to find what is being typed.
document.addEventListener("focusin", ({ target }) => {
  closeMenus(target.closest("details.menu"));
  const step = target.closest("[data-step]");
  if (!step) return;
  for (const item of all(".guide li")) item.classList.toggle("lit", item.id === "step-" + step.dataset.step);
  const form = step.closest(".stays");
  // Only where the form stays in place while the guide moves.
  if (form && getComputedStyle(form).position === "sticky") {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    document.querySelector(".guide li.lit").scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  }
});

document.addEventListener("toggle", ({ target }) => {
  if (target.id === "rename" && target.open) target.querySelector("input").select();
}, true);

// A typed secret is not left in a page that the browser keeps for “back”.
addEventListener("pagehide", () => {
  for (const input of all("input[data-secret]")) input.value = "";
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  if (form.method === "get") return;
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (!button || !button.dataset.busy) return;
  button.dataset.words = button.innerHTML;
  button.textContent = button.dataset.busy;
  button.setAttribute("aria-disabled", "true");
});

addEventListener("pageshow", () => {
  for (const form of all("form[data-sent]")) {
    delete form.dataset.sent;
    const button = form.querySelector("button[data-words]");
    if (!button) continue;
    button.innerHTML = button.dataset.words;
    button.removeAttribute("aria-disabled");
  }
});

// A schedule is meant in the time zone of whoever makes it.
for (const input of all("input[data-zone]")) input.value = Intl.DateTimeFormat().resolvedOptions().timeZone || input.value;

// What was done is told once, not again when the page is loaded again.
if (/[?&]done=/.test(location.search)) history.replaceState(history.state, "", location.pathname);
document.addEventListener("htmx:afterSettle", prepare);
// The session has ended meanwhile: the page itself says how to sign in.
document.addEventListener("htmx:responseError", ({ detail }) => { if (detail.xhr.status === 401) location.reload(); });
prepare();
setInterval(refreshTimes, 30000);
