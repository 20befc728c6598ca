// Two comforts of the sources' screens, which work without: "Looking…" while the server looks, and a preview as one types.
"use strict";
(() => {
  const busy = (form, button) => {
    const words = button?.dataset.busy || form.dataset.busy;
    if (!words || !button) return;
    button.textContent = words;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => { button.disabled = true; });  // after the form has taken its name and value
  };
  document.addEventListener("submit", event => busy(event.target, event.submitter));
  window.addEventListener("pageshow", event => { if (event.persisted) location.reload(); });

  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const field = form.elements.selector, place = document.getElementById("pick-preview");
  let waiting, asked = 0;
  const refresh = async () => {
    const mine = ++asked;
    const body = new FormData(form);
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body });
      if (mine === asked && answer.ok) place.innerHTML = await answer.text();
    } finally {
      if (mine === asked) place.removeAttribute("aria-busy");
    }
  };
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(refresh, 300); });
  for (const button of form.querySelectorAll("button[name=suggestion]")) {
    button.addEventListener("click", event => {
      event.preventDefault();
      field.value = button.value;
      refresh();
    });
  }
})();
