// Opened from a folder a page may not read others, so the search shows titles only.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// What the theme's own pages lack, for assistive programs and small screens.
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
  // Around a find the search shows text, not contents, code or TeX's marks.
  if (typeof Search !== "undefined") {
    const whole = Search.htmlToText;
    Search.htmlToText = (html, anchor) => {
      const page = new DOMParser().parseFromString(html, "text/html");
      page
        .querySelectorAll("#jb-print-docs-body, .cell_input, .cell_output, details")
        .forEach((part) => part.remove());
      const place = anchor && page.querySelector(`[role="main"] ${anchor}`);
      return whole(page.documentElement.outerHTML, place ? anchor : null).replace(/\\[()[\]]/g, "");
    };
  }
  // A box that scrolls sideways fades at the edge where there is more.
  const boxes = document.querySelectorAll(
    ".pst-scrollable-table-container, .figure-box, .bd-content div.math mjx-container, " +
      ".bd-content div.math, .cell_output .text_latex, " +
      ".bd-content div.highlight pre",
  );
  const mark = (box) => {
    const beyond = box.scrollWidth - box.clientWidth - box.scrollLeft;
    box.classList.toggle("more-right", beyond > 4 && getComputedStyle(box).overflowX !== "visible");
  };
  const seen = new ResizeObserver((entries) => entries.forEach(({ target }) => mark(target)));
  const watch = () =>
    boxes.forEach((box) => {
      seen.observe(box);
      box.addEventListener("scroll", () => mark(box), { passive: true });
      mark(box);
    });
  if (window.MathJax?.startup?.promise) MathJax.startup.promise.then(watch);
  else
    window.addEventListener("load", () =>
      (window.MathJax?.startup?.promise ?? Promise.resolve()).then(watch),
    );
  // Its children are entries of a bibliography, which a list may not hold.
  document.querySelectorAll(".citation-list").forEach((list) => list.removeAttribute("role"));
});
