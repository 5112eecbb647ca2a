// A plot drawn as SVG: axes with ticks, lines, points. Colours and widths are in sliders.css.
(function () {
  "use strict";
  const sliders = globalThis.featlearnSliders;
  const SPACE = "http://www.w3.org/2000/svg";
  const MARGIN = { top: 10, right: 12, bottom: 44, left: 54 };

  function add(parent, tag, attributes, text) {
    const element = document.createElementNS(SPACE, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  }

  /** Round numbers in [low, high], about `count` of them: 1, 2 or 5 times a power of ten. */
  function ticks(low, high, count) {
    const raw = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= raw * 0.999);
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) {
      found.push(Number((i * step).toPrecision(12)));
    }
    return found;
  }

  /** A number with so many digits, as a power of ten if it is tiny. */
  function short(value, digits = 3) {
    if (value === 0) return "0";
    if (Math.abs(value) >= 1e-3) {
      const places = digits - 1 - Math.floor(Math.log10(Math.abs(value)));
      return value.toFixed(Math.min(Math.max(places, 0), digits + 1));
    }
    const [mantissa, power] = value.toExponential(1).split("e");
    const raised = [...power.replace("-", "")].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
    return `${mantissa}·10⁻${raised}`;
  }

  /** A number for an axis, with a true minus sign. */
  function written(value) {
    return String(value).replace("-", "−");
  }

  /**
   * Draw into an svg element, at the width that it has.
   *
   * view.x, view.y: { label, low, high }. view.lines: { style, points: [[x, y], ...] }; a line
   * leaves the frame where a y is outside it. view.points: { style, points }. A style is the
   * name of classes, `blue`, `dashed`, ... ; points come as circles, or as rings with `ring`.
   */
  function plot(svg, view) {
    const width = Math.max(260, svg.clientWidth || 640);
    const height = Math.round(Math.min(380, Math.max(250, 0.58 * width)));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    svg.replaceChildren();
    const { x, y } = view;
    const right = width - MARGIN.right;
    const floor = height - MARGIN.bottom;
    const across = (v) => MARGIN.left + ((v - x.low) / (x.high - x.low)) * (right - MARGIN.left);
    const up = (v) => floor - ((v - y.low) / (y.high - y.low)) * (floor - MARGIN.top);

    const axes = add(svg, "g", { class: "axes" });
    add(axes, "path", { d: `M${MARGIN.left} ${MARGIN.top}V${floor}H${right}` });
    for (const value of ticks(x.low, x.high, width < 420 ? 5 : 8)) {
      add(axes, "path", { d: `M${across(value)} ${floor}v5` });
      add(axes, "text", { x: across(value), y: floor + 19, class: "middle" }, written(value));
    }
    for (const value of ticks(y.low, y.high, 7)) {
      add(axes, "path", { d: `M${MARGIN.left} ${up(value)}h-5` });
      add(axes, "text", { x: MARGIN.left - 9, y: up(value) + 4, class: "end" }, written(value));
    }
    const middle = (MARGIN.top + floor) / 2;
    add(axes, "text", { x: (MARGIN.left + right) / 2, y: height - 6, class: "middle" }, x.label);
    add(axes, "text",
      { transform: `translate(14 ${middle}) rotate(-90)`, class: "middle" }, y.label);

    // A nested svg cuts what leaves the frame, without an id that the page might already have.
    const frame = add(svg, "svg", {
      x: MARGIN.left, y: MARGIN.top, width: right - MARGIN.left, height: floor - MARGIN.top,
      viewBox: `${MARGIN.left} ${MARGIN.top} ${right - MARGIN.left} ${floor - MARGIN.top}`,
    });
    const far = 4 * height; // finite, however steep a line is
    const place = ([a, b]) =>
      `${across(a).toFixed(1)},${Math.max(-far, Math.min(far, up(b))).toFixed(1)}`;
    for (const line of view.lines) {
      add(frame, "polyline", { class: line.style, points: line.points.map(place).join(" ") });
    }
    for (const { style, points } of view.points) {
      for (const [a, b] of points) {
        const r = style.includes("ring") ? 8 : points.length > 30 ? 2.5 : 4;
        add(frame, "circle", { class: style, cx: across(a), cy: up(b), r });
      }
    }
  }

  Object.assign(sliders, { plot, short });
})();
