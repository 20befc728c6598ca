// Take the page that the bookmark hands over and show what would be kept. It only fills the form: the editor keeps it.
"use strict";
(() => {
  const form = document.getElementById("clip");
  const place = document.getElementById("clip-preview");
  const MOST = 5 * 1024 * 1024;
  let asked = 0, shown = "";

  const show = async () => {
    const address = form.elements.address.value, file = form.elements.page.files[0];
    if (!file || !address) return;
    const wanted = [address, file.name, file.size, file.lastModified].join("\n");
    if (wanted === shown) return;  // else leaving the field would take the button away that is being pressed
    shown = wanted;
    const mine = ++asked;
    place.textContent = place.dataset.busy;
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form) });
      if (mine !== asked) return;
      if (answer.ok) place.innerHTML = await answer.text();
      else fail();
    } catch {
      if (mine === asked) fail();
    } finally {
      if (mine === asked) place.removeAttribute("aria-busy");
    }
  };

  const fail = () => {
    place.textContent = place.dataset.failed;
    shown = "";
  };

  form.elements.page.addEventListener("change", show);
  form.elements.address.addEventListener("change", show);
  if (!window.opener || location.search === "?kept") return;

  window.addEventListener("message", event => {
    const given = event.data;
    if (event.source !== window.opener || asked || typeof given !== "object" || given === null) return;
    if (![given.address, given.title, given.markup].every(each => typeof each === "string")) return;
    const file = new File([given.markup.slice(0, MOST)], "page.html", { type: "text/html" });
    if (file.size > MOST || !given.address.startsWith(event.origin + "/")) {
      place.textContent = place.dataset.refused;
      return;
    }
    document.getElementById("clip-how").open = false;
    const files = new DataTransfer();
    files.items.add(file);
    form.elements.page.files = files.files;
    form.elements.address.value = given.address;
    form.elements.title.value = given.title.slice(0, 2000);
    show();
  });
  window.opener.postMessage("handbill:ready", "*");
})();
