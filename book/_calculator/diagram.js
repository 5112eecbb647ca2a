// The phase diagram as a drawing: numbered regions, exact borders, and the reader's own point.
"use strict";

(() => {
  const calculator = (window.scalingCalculator = window.scalingCalculator || {});
  const { make, draw } = calculator;
  // The hues and hatches of the library's own drawing: Okabe and Ito's, light enough for black.
  const COLOURS = ["#8EC6E8", "#F2B27A", "#8FD3BC", "#E6BDD3", "#F4EC9B", "#C9C9C9", "#9FB8DD",
    "#D9A38F"];
  const HATCHES = [null, "M0 8 L8 0", "M4 4 h.1", "M0 8 L8 0 M0 0 L8 8"];
  const SIDE = 400;
  const LEFT = 56;
  const BELOW = 52;
  const EDGE = 12;

  const fill = (i) => COLOURS[i % COLOURS.length];
  const hatch = (i) => Math.floor(i / COLOURS.length) % HATCHES.length;

  function hatching() {
    const patterns = HATCHES.flatMap((path, i) => (path ? [draw("pattern", {
      id: `calc-hatch-${i}`, width: 8, height: 8, patternUnits: "userSpaceOnUse",
    }, draw("path", { d: path, stroke: "#000", "stroke-width": i === 2 ? 2 : 0.8, fill: "none",
      "stroke-linecap": "round" }))] : []));
    return draw("defs", {}, ...patterns);
  }

  function painted(d, i) {
    const style = { d, "fill-rule": "evenodd", stroke: "#000", "stroke-width": 1 };
    const shapes = [draw("path", { ...style, fill: fill(i) })];
    if (hatch(i)) shapes.push(draw("path", { ...style, fill: `url(#calc-hatch-${hatch(i)})` }));
    return shapes;
  }

  calculator.swatch = (i) => draw("svg", { viewBox: "0 0 16 16", width: 16, height: 16,
    "aria-hidden": "true" }, ...painted("M.5 .5 H15.5 V15.5 H.5 Z", i));

  // Round values between the ends, and the ends where none is near.
  function ticks({ low, high }) {
    const [a, b] = [calculator.number(low), calculator.number(high)];
    const step = [0.25, 0.5, 1, 2, 5, 10].find((size) => (b - a) / size <= 6) || b - a;
    const values = [];
    for (let x = Math.ceil(a / step - 1e-9) * step; x <= b + 1e-9; x += step) values.push(x);
    return values.map((x) => ({ share: (x - a) / (b - a), text: written(x) }));
  }

  function written(x) {
    const quarters = Math.round(4 * x);
    if (quarters % 4 === 0) return `${quarters / 4}`;
    return quarters % 2 === 0 ? `${quarters / 2}/2` : `${quarters}/4`;
  }

  // pick([shares]) is called with the place of a click.
  calculator.plot = (found, pick) => {
    const [across, up] = found.axes;
    const tall = up ? SIDE : 90;
    const x = (share) => LEFT + SIDE * share;
    const y = (share) => EDGE + tall * (1 - share);
    const [width, height] = [LEFT + SIDE + EDGE, EDGE + tall + BELOW];
    const corners = (line) => (up ? line : [[line[0][0], 0], [line[1][0], 0], [line[1][0], 1],
      [line[0][0], 1]]);
    const path = (lines) => lines.map((line) => `M${corners(line)
      .map(([a, b]) => `${x(a)} ${y(b)}`).join("L")}Z`).join("");
    const place = ([a, b = 0.5]) => [x(a), y(b)];
    const mine = found.point.at && place(found.point.at);
    // A label gives way to the reader's own point.
    const labelled = (region) => {
      const [left, top] = place(region.label);
      const near = mine && Math.hypot(left - mine[0], top - mine[1]) < 36;
      return [left, near ? mine[1] + (top < mine[1] || mine[1] > EDGE + tall / 2 ? -36 : 36) : top];
    };

    const regions = found.regions.flatMap((region, i) => painted(path(region.outlines), i));
    const numbers = found.regions.map((region, i) => {
      const [left, top] = labelled(region);
      return draw("text", { class: "calc-number", x: left, y: top - (region.room ? 6 : -5) },
        `${i + 1}`);
    });
    const marks = axis(across, (t) => [x(t.share), EDGE + tall + 18], "middle");
    marks.push(title(across, [x(0.5), height - 8], ""));
    if (up) {
      marks.push(...axis(up, (t) => [LEFT - 7, y(t.share) + 5], "end"));
      marks.push(title(up, [16, y(0.5)], `rotate(-90 16 ${y(0.5)})`));
    }
    const image = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": described(found) }, hatching(), ...regions, ...marks, ...numbers);
    if (mine) image.append(...own(mine));
    image.addEventListener("click", (event) => {
      const box = image.getBoundingClientRect();
      const share = [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top)
        * height) / box.height];
      const at = [(share[0] - LEFT) / SIDE, 1 - (share[1] - EDGE) / tall];
      if (at.every((s) => s >= 0 && s <= 1)) pick(at.slice(0, found.axes.length));
    });

    const laws = found.regions.filter(({ room }) => room).map((region) => {
      const [left, top] = labelled(region);
      const style = `left:${(100 * left) / width}%;top:${(100 * top) / height}%`;
      return make("span", { class: "calc-label", style }, region.energy);
    });
    return make("div", { class: "calc-plot" }, image, ...laws);
  };

  function axis(one, at, anchor) {
    return ticks(one).map((tick) => {
      const [left, top] = at(tick);
      return draw("text", { x: left, y: top, "text-anchor": anchor }, tick.text);
    });
  }

  function title({ name }, [left, top], transform) {
    const text = draw("text", { x: left, y: top, "text-anchor": "middle", transform },
      "exponent of ", draw("tspan", { "font-style": "italic" }, name[0]));
    text.append(draw("tspan", { dy: 4, "font-size": 11 }, name.slice(1)));
    return text;
  }

  function own([left, top]) {
    const ring = { cx: left, cy: top, fill: "none" };
    return [
      draw("circle", { ...ring, r: 7, stroke: "#fff", "stroke-width": 6 }),
      draw("circle", { ...ring, r: 7, stroke: "#000", "stroke-width": 2.5, class: "calc-own" }),
      draw("circle", { cx: left, cy: top, r: 2, fill: "#000" }),
    ];
  }

  calculator.where = ({ regions }) => {
    const several = regions.length > 1;
    return `Your widths lie ${several ? "on the border of regions" : "in region"} `
      + `${calculator.listed(regions)}.`;
  };

  function described({ axes, regions, point }) {
    const names = axes.map(({ name }) => name).join(" and ");
    const where = point.regions.length ? ` ${calculator.where(point)}` : "";
    return `Phase diagram over ${names} with ${regions.length} regions, listed below.${where}`;
  }
})();
