// The law of one neuron's overlap under a tilt of the prior.
(function () {
  "use strict";
  const sliders = globalThis.featlearnSliders;
  const { cheapestNeuron, constantSquared, root } = sliders.theory;
  const FAR = 2.4; // the last overlap shown
  const POINTS = 240;

  /**
   * Law of one neuron's overlap mu under the tilt theta = tilt * theta_c of the prior, as a
   * function that gives, at mu, the log density before normalisation, its slope, and the
   * mean of g^2 / c_m^2. The rest r of the weights is integrated out, uniformly in log r.
   */
  function overlapLaw({ d, degree, tilt }) {
    const strength = tilt * cheapestNeuron(degree).price * constantSquared(degree) * d;
    const shape = (d - 1) / 2; // the prior of r is Gamma(shape, scale 2 / d)
    const step = 0.4 / Math.sqrt(shape);
    const rests = [];
    const base = [];
    for (let z = -4 - 25 / shape; z < Math.sqrt(80 / shape); z += step) {
      rests.push(Math.exp(z));
      base.push(shape * (1 + z - Math.exp(z) * (d / (d - 1))));
    }
    const terms = new Float64Array(rests.length);
    return function (mu) {
      let top = -Infinity;
      for (let i = 0; i < terms.length; i++) {
        const u = (mu * mu) / (1 + 2 * (mu * mu + rests[i]));
        terms[i] = base[i] + strength * u ** degree;
        top = Math.max(top, terms[i]);
      }
      let sum = 0;
      let gain = 0;
      let pull = 0;
      for (let i = 0; i < terms.length; i++) {
        const share = 1 + 2 * rests[i];
        const u = (mu * mu) / (share + 2 * mu * mu);
        const weight = Math.exp(terms[i] - top);
        sum += weight;
        gain += weight * u ** degree;
        pull += (weight * u ** degree * share) / (share + 2 * mu * mu);
      }
      return {
        log: top + Math.log(sum) - (d * mu * mu) / 2,
        slope: (2 * degree * strength * pull) / (sum * mu) - d * mu,
        gain: gain / sum,
      };
    };
  }

  /** Integral over mu > start of `value`, given the law's normalisation so far. */
  function integral(law, value, start, end, spacing) {
    // The trapezoidal rule: its error is of the slope at the ends, which vanishes at zero
    // (the law is even), at a barrier, and far out.
    const steps = Math.ceil((end - start) / spacing);
    const h = (end - start) / steps;
    let sum = 0;
    for (let i = 0; i <= steps; i++) {
      const point = law(Math.max(start + i * h, 1e-12));
      sum += (i === 0 || i === steps ? 0.5 : 1) * value(point);
    }
    return sum * h;
  }

  /** Stationary points of the density at mu > 0, where the slope changes sign. */
  function turns(law, end, spacing) {
    const found = { minima: [], maxima: [] };
    let left = 1e-3 * spacing;
    let before = law(left).slope;
    for (let mu = spacing; mu < end; mu += spacing) {
      const after = law(mu).slope;
      if (before * after < 0) {
        const sign = Math.sign(before);
        (sign > 0 ? found.maxima : found.minima).push(root((x) => sign * law(x).slope, left, mu));
      }
      left = mu;
      before = after;
    }
    return found;
  }

  /**
   * What a figure shows of the law: `logDensity(mu)` on the whole line, the `barrier` and the
   * outer maximum `mode` (null if there is none), the share of neurons beyond the barrier,
   * and the mean alignment over sqrt(N / d), which is sqrt(2 theta) d E[g^2].
   */
  function neuronLaw({ d, degree, tilt }) {
    const law = overlapLaw({ d, degree, tilt });
    const { price } = cheapestNeuron(degree);
    const ceiling = (tilt * price * constantSquared(degree)) / 2 ** degree; // of the gain / d
    const end = Math.sqrt(2 * ceiling + 70 / d);
    const width = 1 / Math.sqrt(d * (3 + 2 * degree)); // no peak is narrower
    const shift = law(1e-12).log;
    const mass = (point) => Math.exp(point.log - shift);
    const half = integral(law, mass, 0, end, 0.6 * width);
    const gain = integral(law, (point) => mass(point) * point.gain, 0, end, 0.6 * width) / half;
    const { minima, maxima } = turns(law, end, 0.6 * width);
    const mode = maxima.length ? maxima[maxima.length - 1] : null;
    const barrier = minima.length && mode !== null && minima[0] < mode ? minima[0] : null;
    return {
      logDensity: (mu) => law(Math.max(Math.abs(mu), 1e-12)).log - shift - Math.log(2 * half),
      mode,
      barrier,
      share: barrier === null ? 0 : integral(law, mass, barrier, end, 0.2 * width) / half,
      alignment: Math.sqrt(2 * tilt * price) * d * constantSquared(degree) * gain,
    };
  }

  function percent(share) {
    return share > 0.999 ? "over 99.9 %" : `${sliders.short(100 * share)} %`;
  }

  function view({ tilt, d, ratio, degree, log }) {
    const N = Math.round(ratio * d);
    const law = neuronLaw({ d, degree, tilt });
    const height = (logDensity) => (log ? -logDensity : Math.exp(logDensity));
    const curve = (logDensity) =>
      Array.from({ length: POINTS + 1 }, (_, i) => {
        const mu = (i / POINTS) * FAR;
        return [mu, height(logDensity(mu))];
      });
    const prior = (mu) => (Math.log(d / (2 * Math.PI)) - d * mu * mu) / 2;
    const low = log ? -3 : 0;
    const top = Math.max(prior(0), law.logDensity(law.mode ?? 0));
    const high = log ? Math.max(25, 0.65 * d) : 1.1 * Math.exp(top); // barriers grow with d
    const lines = [
      { style: "grey dashed", points: curve(prior) },
      { style: "orange", points: curve(law.logDensity) },
    ];
    const { barrier, mode, share } = law;
    if (barrier !== null) {
      lines.push({ style: "green dotted", points: [[barrier, low], [barrier, high]] });
    }
    const peak = mode === null ? [] : [[mode, height(law.logDensity(mode))]];
    const alignment = law.alignment * Math.sqrt(N / d);
    const gap = barrier === null ? 0 : law.logDensity(mode) - law.logDensity(barrier);

    let sentence = "The density has one peak, at zero overlap.";
    if (barrier !== null) {
      sentence = `A side peak at overlap ${mode.toFixed(2)} stands beyond a barrier at ` +
        `${barrier.toFixed(2)} and holds ${percent(share)} of the neurons.`;
    } else if (mode !== null) {
      sentence = `The peak at zero has split in two, at overlaps of plus and minus ` +
        `${mode.toFixed(2)}; no barrier sets a group apart.`;
    }
    return {
      x: { label: "overlap |μ|", low: 0, high: FAR },
      y: { label: log ? "−log density (nats)" : "density of μ", low, high },
      lines,
      points: [{ style: "orange dot", points: peak }],
      numbers: [
        ["side peak", mode === null ? "none" : `|μ| = ${mode.toFixed(3)}`],
        ["barrier", barrier === null ? "none" : `|μ| = ${barrier.toFixed(3)}`],
        ["peak above barrier", barrier === null ? "–" : `${gap.toFixed(2)} nats`],
        ["share beyond barrier", barrier === null ? "–" : percent(share)],
        [`of N = ${N} neurons`, barrier === null ? "–" : `M = ${sliders.short(N * share)}`],
        ["alignment α/σ<sub>a</sub>", sliders.short(alignment)],
      ],
      sentence: `${sentence} The alignment is ${sliders.short(alignment)}.`,
    };
  }

  sliders.figures["neuron-law"] = {
    title: "Law of one neuron's overlap with the target's direction",
    legend: [
      ["orange", "tilted law"],
      ["grey dashed", "prior"],
      ["green dotted", "barrier"],
      ["orange dot", "side peak"],
    ],
    controls: [
      { name: "tilt", label: "tilt θ/θ<sub>c</sub>", min: 0, max: 1.2, step: 0.01, value: 0.9,
        show: (value) => value.toFixed(2) },
      { name: "d", label: "input dimension d", min: 5, max: 100, step: 5, value: 40 },
      { name: "ratio", label: "width N/d", values: [0.5, 1, 2, 4, 8, 16], value: 2 },
      { name: "degree", label: "degree m of the target", min: 1, max: 5, step: 2, value: 3 },
      { name: "log", label: "logarithmic", value: true },
    ],
    numbers: { neuronLaw },
    view,
  };
})();
