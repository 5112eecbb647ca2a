// What one neuron gains and costs: the closed forms of the chapters that the slider figures
// share. The tests hold them and the figures to featlearn.theory. In nats; sigma_a = 1.
(function () {
  "use strict";
  const sliders = (globalThis.featlearnSliders = {});

  /** Where a decreasing function of x > 0 changes sign, by bisection in log x. */
  function root(f, low, high) {
    for (let i = 0; i < 60; i++) {
      const middle = Math.sqrt(low * high);
      if (f(middle) > 0) low = middle;
      else high = middle;
    }
    return Math.sqrt(low * high);
  }

  /** c_m^2, where g^2 = c_m^2 [v^2 / (1 + 2 v^2)]^m is the squared alignment of a neuron. */
  function constantSquared(degree) {
    let c = 2 / Math.sqrt(Math.PI); // (2k)! / (k! sqrt(m!)), m = 2k + 1, factor by factor
    for (let k = 1; 2 * k < degree; k++) {
      c *= (2 * k * (2 * k - 1)) / (k * Math.sqrt(2 * k * (2 * k + 1)));
    }
    return c * c;
  }

  /** I(v): what a neuron at v costs, per dimension. */
  function neuronCost(v) {
    return (v * v) / 2 + Math.log1p(2 * v * v) / 2;
  }

  function gainSquared(v, degree) {
    return constantSquared(degree) * ((v * v) / (1 + 2 * v * v)) ** degree;
  }

  /** The v that costs least for its alignment, min I / g^2; 0 for m = 1. */
  function cheapestNeuron(degree) {
    if (degree === 1) return { v: 0, price: 1.5 / constantSquared(1) };
    const slope = (v) => 2 * degree * neuronCost(v) - v * v * (3 + 2 * v * v);
    const v = root(slope, 0.1, 30);
    return { v, price: neuronCost(v) / gainSquared(v, degree) };
  }

  sliders.theory = { cheapestNeuron, constantSquared, gainSquared, neuronCost, root };
  sliders.figures = {};
})();
