// Enhances pages that work without it: show and hide, the guide's light, menus, times, double submits.
"use strict";

const ago = (seconds) => {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return words.format(-Math.round(seconds / size), unit);
  }
  return seconds < 0 ? "in a moment" : "just now";
};

const refreshTimes = () => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    time.textContent = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
  }
};

const prepare = (root) => {
  for (const button of root.querySelectorAll("button[data-reveal][hidden]")) button.hidden = false;
  refreshTimes();
};

document.addEventListener("click", (event) => {
  const reveal = event.target.closest("button[data-reveal]");
  if (reveal) {
    const input = document.getElementById(reveal.dataset.reveal);
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    reveal.textContent = show ? "Hide" : "Show";
    reveal.setAttribute("aria-pressed", String(show));
    input.focus();
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// The step of the guide that tells where to find what is being typed.
document.addEventListener("focusin", (event) => {
  const step = event.target.closest("[data-step]");
  if (!step) return;
  for (const item of document.querySelectorAll(".guide li")) {
    item.classList.toggle("lit", item.id === "step-" + step.dataset.step);
  }
});

// A typed secret is not left in a page that the browser keeps for “back”.
addEventListener("pagehide", () => {
  for (const input of document.querySelectorAll("input[data-secret]")) input.value = "";
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  if (form.method === "get") return;
  form.dataset.sent = "yes";
  form.classList.add("htmx-request");
  const working = form.querySelector(".working");
  if (working) working.setAttribute("role", "status");
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.classList.remove("htmx-request");
  }
});

document.addEventListener("htmx:afterSwap", (event) => prepare(event.target.parentElement || document));
prepare(document);
const wrong = document.querySelector("[data-focus]");
if (wrong) wrong.focus();
setInterval(refreshTimes, 30000);
