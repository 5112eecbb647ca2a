// The panel of a slider figure: the plot, its sliders, the numbers below it, and the words for
// a reader who cannot see it. What a figure shows is its own module, under figures/.
(function () {
  "use strict";
  const sliders = globalThis.featlearnSliders;
  const QUIET = 800; // ms without a move before the change is read out

  function make(tag, parent, properties = {}) {
    const element = Object.assign(document.createElement(tag), properties);
    parent.append(element);
    return element;
  }

  /** A slider with its label and value. `values` lists what it may take, if not equal steps. */
  function slider(form, control, changed) {
    const { values } = control;
    const label = make("label", form);
    const line = make("span", label, { className: "slider-label" });
    make("span", line, { innerHTML: control.label });
    const shown = make("span", line, { className: "slider-value" });
    shown.setAttribute("aria-hidden", "true"); // the slider itself says its value
    const input = make("input", label, { type: "range", name: control.name });
    input.min = values ? 0 : control.min;
    input.max = values ? values.length - 1 : control.max;
    input.step = values ? 1 : control.step;
    input.setAttribute("value", values ? values.indexOf(control.value) : control.value);
    input.addEventListener("input", changed);
    return () => {
      const value = values ? values[Number(input.value)] : Number(input.value);
      const text = control.show ? control.show(value) : String(value);
      shown.textContent = text;
      input.setAttribute("aria-valuetext", text);
      return [control.name, value];
    };
  }

  function checkbox(form, control, changed) {
    const label = make("label", form, { className: "slider-check" });
    const input = make("input", label, { type: "checkbox", name: control.name });
    input.toggleAttribute("checked", control.value);
    input.addEventListener("change", changed);
    make("span", label, { innerHTML: control.label });
    return () => [control.name, input.checked];
  }

  /** Fill one stage, an element of class `slider-stage`, with the figure that it names. */
  function build(stage) {
    const figure = sliders.figures[stage.dataset.figure];
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "img");
    const legend = make("ul", stage, { className: "slider-legend" });
    for (const [style, text] of figure.legend) {
      const mark = / (dot|ring)$/.test(style)
        ? `<circle class="${style}" cx="13" cy="6" r="4"/>`
        : `<path class="${style}" d="M1 6h24"/>`;
      make("li", legend, {
        innerHTML: `<svg width="26" height="12" aria-hidden="true">${mark}</svg>${text}`,
      });
    }
    stage.append(svg);
    const form = make("form", stage, { autocomplete: "off" });
    form.addEventListener("submit", (event) => event.preventDefault());
    const numbers = make("dl", stage, { className: "slider-numbers" });
    const spoken = make("p", stage, { className: "slider-spoken" });
    spoken.setAttribute("aria-live", "polite");

    let timer = null;
    const read = [];
    function draw(moved) {
      const view = figure.view(Object.fromEntries(read.map((value) => value())));
      sliders.plot(svg, view);
      svg.setAttribute("aria-label", `${figure.title}. ${view.sentence}`);
      numbers.innerHTML = view.numbers
        .map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`)
        .join("");
      clearTimeout(timer);
      if (moved) timer = setTimeout(() => (spoken.textContent = view.sentence), QUIET);
    }
    for (const control of figure.controls) {
      const kind = typeof control.value === "boolean" ? checkbox : slider;
      read.push(kind(form, control, () => draw(true)));
    }
    const reset = make("button", form, { type: "button", textContent: "Reset" });
    reset.addEventListener("click", () => {
      form.reset();
      draw(true);
    });
    draw(false);
    let width = svg.clientWidth;
    new ResizeObserver(() => {
      if (svg.clientWidth !== width) {
        width = svg.clientWidth;
        draw(false);
      }
    }).observe(stage);
  }

  // The scripts are deferred, the figures' own come after this one.
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".slider-stage[data-figure]").forEach(build);
  });
})();
