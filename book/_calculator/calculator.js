// The calculator of the page: form, link, engine and answers.
"use strict";

(() => {
  const calculator = window.scalingCalculator;
  const QUICK = 400; // ms: answers as fast as this follow the form by themselves
  const PAUSE = 150; // ms without a change before the form is read
  const MANY = 200; // patterns, beyond which a diagram waits for a click

  const root = document.querySelector("#calculator");
  const part = (name) => root.querySelector(`.calc-${name}`);
  const form = new calculator.Form(root.querySelector("form"));
  const { bundle, presets } = JSON.parse(part("data").textContent);
  const engine = new calculator.Engine(bundle, { progress, phase: say });
  const state = { question: 0, shown: "", quick: "", loading: false };
  let clock = null;
  let pause = null;

  const text = (request) => JSON.stringify(request, Object.keys(request).sort().concat(
    Object.keys(request.widths), Object.keys(request.vary), ["0", "1"]));
  const same = (a, b) => calculator.toHash(a) === calculator.toHash(b);
  const effort = ({ network, depth, degree, weak }) => [network, depth, degree, weak].join();
  const preset = (request) => presets.find((one) => same(one.request, request));

  // What is going on, and for how long: the seconds are not read aloud.
  function say(message, { running = false } = {}) {
    clearInterval(clock);
    const seconds = calculator.make("span", { "aria-hidden": "true" });
    part("status").replaceChildren(message, seconds);
    if (!running) return;
    const start = Date.now();
    clock = setInterval(() => {
      seconds.textContent = ` ${Math.round((Date.now() - start) / 1000)} s`;
    }, 1000);
  }

  function progress(done, total) {
    const mega = (bytes) => (bytes / 1e6).toFixed(1);
    Object.assign(part("progress"), { max: total, value: done });
    say(`Loading: ${mega(done)} of ${mega(total)} MB`);
    if (done === total) part("progress").removeAttribute("value");
  }

  function fail(message, fields = []) {
    form.mark(fields);
    part("error").textContent = message;
    part("error").hidden = !message;
  }

  function buttons() {
    part("submit").textContent = engine.loaded ? "Answer" : part("submit").dataset.load;
    part("submit").disabled = state.loading;
    part("cancel").hidden = !state.running;
    part("progress").hidden = !state.loading;
    root.setAttribute("aria-busy", String(Boolean(state.running)));
  }

  // The answer on the page belongs to the request, or is marked as another's.
  function stale(request) {
    const old = state.shown && state.shown !== calculator.toHash(request);
    part("results").classList.toggle("calc-stale", Boolean(old));
    part("old").hidden = !old;
    return old;
  }

  async function load() {
    state.loading = true;
    fail("");
    buttons();
    try {
      await engine.load();
      say("Python is ready.");
    } catch (problem) {
      say("");
      fail(`The calculator could not be loaded: ${problem.message}.`);
    }
    state.loading = false;
    buttons();
    if (engine.loaded) await run(form.read());
  }

  // Answer a request: what wins first, then the diagram, which takes longer.
  async function run(request, all = false) {
    const question = (state.question += 1);
    const current = () => question === state.question;
    fail("");
    stale(request);
    state.running = true;
    buttons();
    try {
      say("Comparing the patterns …", { running: true });
      const start = performance.now();
      const found = await engine.ask({ ...request, part: "prediction" });
      if (!current() || !found) return;
      if (found.error) return refuse(found.error);
      state.quick = performance.now() - start < QUICK ? effort(request) : "";
      await show(request, found);
      if (found.patterns > MANY && !all) {
        offer(request, found.patterns);
      } else {
        say("Drawing the phase diagram …", { running: true });
        const drawn = await engine.ask({ ...request, part: "diagram" });
        if (!current() || !drawn) return;
        if (drawn.error) return refuse(drawn.error);
        await picture(request, drawn);
      }
      say("Done.");
    } catch (problem) {
      if (current()) {
        say("");
        fail(`Python stopped: ${problem.message}`);
      }
    } finally {
      if (current()) {
        state.running = false;
        buttons();
      }
    }
  }

  function refuse({ message, fields }) {
    say("");
    fail(message, fields);
    stale(form.read());
  }

  async function show(request, found) {
    state.shown = calculator.toHash(request);
    stale(request);
    part("results").hidden = false;
    calculator.replace(part("diagram"));
    const everything = async () => {
      const question = state.question;
      say("Reading the table …", { running: true });
      const answer = await engine.ask({ ...request, part: "rows" });
      if (!answer || question !== state.question) return;
      await calculator.replace(part("patterns"), ...calculator.patterns(answer.rows, 0));
      say("Done.");
    };
    await calculator.replace(part("headline"), ...calculator.headline(found));
    await calculator.replace(part("details"), ...calculator.details(found));
    const more = engine.loaded ? everything : null;
    await calculator.replace(part("patterns"), ...calculator.patterns(found.rows, found.patterns,
      more));
    part("count").textContent = `All ${found.patterns} patterns`;
  }

  function offer(request, count) {
    const { make } = calculator;
    const button = make("button", { type: "button", class: "calc-button" }, "Draw it");
    button.addEventListener("click", () => run(request, true));
    calculator.replace(part("diagram"), make("p", {},
      `With ${count} patterns the phase diagram may take minutes. `, button));
  }

  async function picture(request, drawn) {
    const { make } = calculator;
    const pick = (shares) => {
      shares.forEach((share, i) => {
        const { name, low, high } = drawn.axes[i];
        form.set(name, calculator.fraction(share, low, high));
      });
      changed();
    };
    const { regions, at } = drawn.point;
    const where = !at ? "Your widths lie outside of these ranges."
      : `The ring marks your widths, in region ${regions.join(" and ")}. `
      + "A click elsewhere moves them.";
    const fixed = drawn.fixed ? `At ${drawn.fixed}. ` : "";
    await calculator.replace(part("diagram"), calculator.plot(drawn, pick),
      make("p", { class: "calc-caption" }, fixed, where), ...calculator.legend(drawn));
  }

  // The form has changed: its link, and its answer where that is at hand.
  function changed() {
    const request = form.read();
    const known = preset(request);
    history.replaceState(null, "", calculator.toHash(request));
    part("preset").value = known ? known.name : "";
    state.question += 1;
    state.running = false;
    buttons();
    fail("");
    if (engine.loaded && state.quick === effort(request)) return run(request);
    if (known) return stored(request, known);
    if (stale(request)) say(engine.loaded ? "" : "Load the calculator for an answer to this.");
  }

  async function stored(request, known) {
    const question = state.question;
    await show(request, known.prediction);
    if (question !== state.question) return;
    await picture(request, known.diagram);
    say("");
  }

  async function copy() {
    const link = location.href.replace(/#.*$/, "") + calculator.toHash(form.read());
    const box = part("link");
    box.value = link;
    try {
      await navigator.clipboard.writeText(link);
      say("The link is copied.");
    } catch {
      box.hidden = false;
      box.select();
      say("Copy the link from the box.");
    }
  }

  function restore() {
    const request = calculator.fromHash(location.hash);
    if (!request) return false;
    form.write(request);
    changed();
    if (engine.loaded) run(form.read());
    else if (!state.shown) say("Load the calculator for the answer to this link.");
    return true;
  }

  root.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (state.loading) return;
    if (engine.loaded) run(form.read());
    else load();
  });
  root.querySelector("form").addEventListener("input", (event) => {
    if (event.target === part("preset") || event.target === part("link")) return;
    clearTimeout(pause);
    stale(form.read());
    pause = setTimeout(changed, PAUSE);
  });
  part("preset").addEventListener("change", () => {
    const chosen = presets.find(({ name }) => name === part("preset").value);
    if (!chosen) return;
    form.write(chosen.request);
    changed();
  });
  part("cancel").addEventListener("click", async () => {
    state.question += 1;
    state.running = false;
    buttons();
    say("Cancelled. Python starts again …", { running: true });
    part("submit").disabled = true;
    await engine.cancel();
    say("Cancelled.");
    buttons();
  });
  part("copy").addEventListener("click", copy);
  window.addEventListener("hashchange", restore);

  root.hidden = false;
  buttons();
  if (!restore()) {
    form.write(presets[0].request);
    part("preset").value = presets[0].name;
    stored(presets[0].request, presets[0]);
  }
})();
