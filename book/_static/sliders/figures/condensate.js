// The energy of an alignment against the number of neurons that carry it.
(function () {
  "use strict";
  const sliders = globalThis.featlearnSliders;
  const { cheapestNeuron, gainSquared, neuronCost, root } = sliders.theory;
  const POINTS = 160;
  // From 0.01 to 100, six a decade, 1 among them.
  const RATIOS = Array.from({ length: 25 }, (_, i) => Number((10 ** (i / 6 - 2)).toPrecision(2)));

  /** Energy of M equal neurons that carry the alignment, least over v; M need not be whole. */
  function group(M, { ratio, alpha, degree }) {
    const pull = (alpha * alpha * ratio) / 2; // E / d = M I + pull / (M g^2)
    const slope = (v) =>
      (2 * degree * pull) / gainSquared(v, degree) - M * M * v * v * (3 + 2 * v * v);
    const v = root(slope, 1e-4, 100);
    const rest = 1 / (1 + 2 * v * v);
    return {
      M,
      energy: M * neuronCost(v) + pull / (M * gainSquared(v, degree)),
      overlap: v * Math.sqrt(1 + 2 * rest),
      rest,
    };
  }

  /** The cheapest group of a whole number of neurons. */
  function condensate(parameters) {
    let best = group(1, parameters);
    for (;;) {
      const next = group(best.M + 1, parameters);
      if (next.energy >= best.energy) return best;
      best = next;
    }
  }

  /** The same with M a real number: E / d = c sqrt(N / d), and where it is. */
  function wide({ ratio, alpha, degree }) {
    const { v, price } = cheapestNeuron(degree);
    const energy = alpha * Math.sqrt(2 * ratio * price);
    return { energy, M: energy / (2 * neuronCost(v)) };
  }

  function view({ ratio, alpha, degree }) {
    const parameters = { ratio, alpha, degree };
    const best = condensate(parameters);
    const limit = wide(parameters);
    const far = Math.max(6, Math.ceil(2.2 * best.M)) + 0.5;
    const real = Array.from({ length: POINTS }, (_, i) => {
      const M = far * ((i + 1) / POINTS) ** 2; // denser where the curve is steep
      return [M, group(M, parameters).energy];
    });
    const whole = Array.from({ length: Math.floor(far) }, (_, i) => {
      return [i + 1, group(i + 1, parameters).energy];
    });
    const excess = best.energy / limit.energy - 1;
    const count = best.M === 1 ? "One neuron carries" : `${best.M} neurons carry`;
    return {
      x: { label: "number M of condensed neurons", low: 0, high: far },
      y: { label: "E/d (nats)", low: 0, high: 2.2 * best.energy },
      lines: [
        { style: "grey dashed", points: [[0, limit.energy], [far, limit.energy]] },
        { style: "green", points: real },
      ],
      points: [
        { style: "blue dot", points: whole },
        { style: "orange ring", points: [[best.M, best.energy]] },
      ],
      numbers: [
        ["condensed neurons", `M = ${best.M}`],
        ["energy", `E/d = ${sliders.short(best.energy, 4)}`],
        ["wide layer", `c√(N/d) = ${sliders.short(limit.energy, 4)}`],
        ["excess over it", `${sliders.short(100 * excess)} %`],
        ["their overlap", `μ = ${best.overlap.toFixed(3)}`],
        ["rest of their weights", `ρ = ${best.rest.toFixed(3)}`],
      ],
      sentence: `${count} the alignment at the least energy, ${sliders.short(best.energy)} nats ` +
        `per dimension; the law of wide layers gives ${sliders.short(limit.energy)}.`,
    };
  }

  sliders.figures.condensate = {
    title: "Energy of an alignment against the number of neurons that carry it",
    legend: [
      ["blue dot", "whole M"],
      ["green", "any real M"],
      ["orange ring", "least over whole M"],
      ["grey dashed", "c√(N/d)"],
    ],
    controls: [
      { name: "ratio", label: "width N/d", values: RATIOS, value: 1 },
      { name: "alpha", label: "alignment α/σ<sub>a</sub>", min: 0.1, max: 2, step: 0.05, value: 1,
        show: (value) => value.toFixed(2) },
      { name: "degree", label: "degree m of the target", min: 3, max: 7, step: 2, value: 3 },
    ],
    numbers: { condensate, group, wide },
    view,
  };
})();
