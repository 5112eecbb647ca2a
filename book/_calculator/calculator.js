// The calculator of the page: form, link, engine and answers.
"use strict";

(() => {
  const calculator = window.scalingCalculator;
  const QUICK = 400; // ms: answers as fast as this follow the form by themselves
  const PAUSE = 150; // ms without a change before the form is read
  const PATIENCE = 2000; // ms that a question may wait for the end of an older one
  const MANY = 200; // patterns, beyond which a diagram waits for a click

  const root = document.querySelector("#calculator-form");
  const part = (name) => root.querySelector(`.calc-${name}`);
  const form = new calculator.Form(root.querySelector("form"));
  const { bundle, presets } = JSON.parse(part("data").textContent);
  const engine = new calculator.Engine(bundle, { progress, phase: say });
  calculator.engine = engine; // for the tests, and for the curious
  const state = { question: 0, shown: "", quick: "", loading: false, running: false, rows: null };
  let clock = null;
  let pause = null;

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
    root.setAttribute("aria-busy", String(state.running));
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
    if (engine.loaded) submit();
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
      if (engine.busy > PATIENCE) await engine.cancel(); // with what is no longer asked
      if (!current()) return;
      say("Comparing the patterns …", { running: true });
      const start = performance.now();
      const found = await engine.ask({ ...request, part: "prediction" });
      if (!current() || !found) return;
      if (found.error) return refuse(found.error);
      state.quick = performance.now() - start < QUICK ? effort(request) : "";
      show(request, found);
      if (found.patterns > MANY && !all) return offer(request, found.patterns);
      say("Drawing the phase diagram …", { running: true });
      const drawn = await engine.ask({ ...request, part: "diagram" });
      if (!current() || !drawn) return;
      if (drawn.error) return refuse(drawn.error);
      picture(drawn);
      say("Done.");
    } catch (problem) {
      if (current()) refuse({ message: `Python stopped: ${problem.message}`, fields: [] });
    } finally {
      if (current()) state.running = false;
      buttons();
    }
  }

  function refuse({ message, fields }) {
    say("");
    fail(message, fields);
    stale(form.read());
  }

  function show(request, found) {
    state.shown = calculator.toHash(request);
    state.rows = { request, rows: found.rows, total: found.patterns };
    stale(request);
    part("results").hidden = false;
    calculator.replace(part("diagram"));
    calculator.replace(part("headline"), ...calculator.headline(found));
    calculator.replace(part("details"), ...calculator.details(found));
    part("count").textContent = `All ${found.patterns} patterns`;
    calculator.replace(part("patterns"));
    list();
  }

  // The long table, only while it is open.
  function list() {
    if (!part("all").open || !state.rows) return;
    const { request, rows, total } = state.rows;
    const more = engine.loaded ? () => everything(request) : null;
    calculator.replace(part("patterns"), ...calculator.patterns(rows, total, more));
  }

  async function everything(request) {
    const { question } = state;
    say("Reading the table …", { running: true });
    const answer = await engine.ask({ ...request, part: "rows" });
    if (!answer || question !== state.question) return;
    state.rows.rows = answer.rows;
    list();
    say("Done.");
  }

  function offer(request, count) {
    const { make } = calculator;
    const button = make("button", { type: "button", class: "calc-button" }, "Draw it");
    button.addEventListener("click", () => run(request, true));
    calculator.replace(part("diagram"), make("p", {},
      `With ${count} patterns the phase diagram may take minutes. `, button));
    say("Done.");
  }

  function picture(drawn) {
    const { make } = calculator;
    const pick = (shares) => {
      shares.forEach((share, i) => {
        const { name, low, high } = drawn.axes[i];
        form.set(name, calculator.fraction(share, low, high));
      });
      changed();
    };
    const where = !drawn.point.at ? "Your widths lie outside of these ranges."
      : `${calculator.where(drawn.point)} The ring marks them; a click elsewhere moves them.`;
    const fixed = (drawn.fixed ? `At ${drawn.fixed}. ` : "")
      + (calculator.alike(drawn.regions) ? "" : "The laws in the drawing are energies. ");
    calculator.replace(part("diagram"), calculator.plot(drawn, pick),
      make("p", { class: "calc-caption" }, fixed, where), ...calculator.legend(drawn));
  }

  // The form has changed: whatever runs answers another question, and the link is another.
  function note(request) {
    clearTimeout(pause);
    const known = preset(request);
    history.replaceState(null, "", calculator.toHash(request));
    part("preset").value = known ? known.name : "";
    part("link").hidden = true;
    state.question += 1;
    state.running = false;
    buttons();
    fail("");
    return known;
  }

  // An answer to the form as it is now, where one is at hand.
  function changed() {
    const request = form.read();
    const known = note(request);
    if (engine.loaded && state.quick === effort(request)) return run(request);
    if (known) return stored(request, known);
    const other = stale(request);
    say(engine.loaded || !other ? "" : "Load the calculator for an answer to this.");
  }

  function stored(request, known) {
    show(request, known.prediction);
    picture(known.diagram);
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

  function submit() {
    const request = form.read();
    note(request);
    if (engine.loaded) run(request);
    else load();
  }

  function restore() {
    const request = calculator.fromHash(location.hash);
    if (!request) return false;
    form.write(request);
    if (engine.loaded) submit();
    else changed();
    if (!engine.loaded && !preset(request)) say("Load the calculator for the answer to this link.");
    return true;
  }

  root.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!state.loading) submit();
  });
  root.querySelector("form").addEventListener("input", (event) => {
    if (event.target === part("preset") || event.target === part("link")) return;
    clearTimeout(pause);
    state.question += 1; // what is on its way answers no form any more
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
    Object.assign(state, { running: false, loading: true });
    buttons();
    try {
      await engine.cancel();
      say("Cancelled. Python is ready again.");
    } catch (problem) {
      refuse({ message: `Python does not start again: ${problem.message}`, fields: [] });
    }
    state.loading = false;
    buttons();
  });
  part("all").addEventListener("toggle", list);
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
