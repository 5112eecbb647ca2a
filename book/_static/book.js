// What the theme's own pages lack for assistive programs.
document.addEventListener("DOMContentLoaded", () => {
  // Where a control shows a text, that text is its name.
  for (const control of document.querySelectorAll(
    ".search-button-field, .theme-switch-button, details.hide > summary",
  )) {
    control.removeAttribute("aria-label");
  }
  for (const control of document.querySelectorAll(".theme-switch-button")) {
    const name = document.createElement("span");
    name.className = "visually-hidden";
    name.textContent = "Colour mode: ";
    control.prepend(name);
  }
  // Its children are entries of a bibliography, which a list may not hold.
  document.querySelectorAll(".citation-list").forEach((list) => list.removeAttribute("role"));
});
