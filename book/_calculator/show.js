// Answers as elements of the page. Mathematics is typeset by the page's own MathJax.
"use strict";

(() => {
  const calculator = (window.scalingCalculator = window.scalingCalculator || {});
  const SVG = "http://www.w3.org/2000/svg";

  const element = (create) => (tag, attributes = {}, ...children) => {
    const made = create(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const make = (calculator.make = element((tag) => document.createElement(tag)));
  calculator.draw = element((tag) => document.createElementNS(SVG, tag));

  // Text in which backticks enclose code.
  function rich(text) {
    return text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));
  }

  function listed(texts, more = 0) {
    const all = more ? [...texts, `${more} more`] : texts;
    return all.flatMap((text, i) => [...(i ? [", "] : []), ...rich(text)]);
  }

  function table(headings, rows, name) {
    const head = make("tr", {}, ...headings.map((x) => make("th", { scope: "col" }, ...rich(x))));
    const body = rows.map((cells) => make("tr", {}, ...cells.map((x) => make("td", {}, ...x))));
    const made = make("table", { class: "table" }, make("thead", {}, head));
    made.append(make("tbody", {}, ...body));
    return scrolling(made, name);
  }

  // A wide thing in a box that scrolls, by keys too.
  function scrolling(content, name) {
    return make("div", { class: "calc-scroll", tabindex: 0, role: "group", "aria-label": name },
      content);
  }

  // In standard scaling the energy is the scale of the samples, and one column says both.
  const alike = (calculator.alike = (all) => all.every(({ energy, samples }) => energy === samples));
  const laws = ({ energy, samples }, one) => (one ? [[energy]] : [[energy], [samples]]);
  const lawHeadings = (one) => [one ? "energy, \\(P_*/\\kappa\\)" : "energy",
    ...(one ? [] : ["\\(P_*/\\kappa\\)"])];

  calculator.listed = (texts) => {
    const [last] = texts.slice(-1);
    return texts.length < 2 ? `${last}` : `${texts.slice(0, -1).join(", ")} and ${last}`;
  };

  // MathJax sets one thing after another.
  let set = null;
  function typeset(place) {
    const { MathJax } = window;
    if (!MathJax || !MathJax.startup) return;
    set = (set || MathJax.startup.promise).then(() => MathJax.typesetPromise([place]))
      .catch((problem) => console.error(problem));
  }

  calculator.replace = (place, ...content) => {
    if (window.MathJax && window.MathJax.typesetClear) window.MathJax.typesetClear([place]);
    place.replaceChildren(...content);
    typeset(place);
  };

  // What is read aloud: the question, the law, and who wins.
  calculator.headline = (found) => {
    const winners = found.winners.map(({ name }) => name);
    const [first] = found.winners;
    const narrow = [...new Set(found.winners.flatMap((winner) => winner.narrow))];
    const content = [
      make("p", { class: "calc-question" }, ...rich(found.question)),
      scrolling(make("div", { class: "calc-law" }, `\\[${found.law}\\]`), "Scaling law"),
      make("p", {}, winners.length + found.more > 1 ? "Winners: " : "Winner: ",
        make("strong", {}, ...listed(winners, found.more)), "."),
    ];
    if (first.samples !== first.energy) {
      const energy = make("div", { class: "calc-law" }, `\\[${found.energy}\\]`);
      content.push(make("p", {}, "The energy itself:"), scrolling(energy, "Energy"));
    }
    if (narrow.length) {
      content.push(make("p", { class: "calc-warning" }, make("strong", {}, "Too narrow: "),
        "in a layer this narrow the rules, which take mean kernels, need not hold: ",
        ...listed(narrow), "."));
    }
    return content;
  };

  calculator.details = (found) => {
    const lines = found.winners.map((winner) => {
      const notes = [
        ...winner.parameters,
        ...winner.free.map((text) => `${text} at the same energy`),
        ...winner.bounds.map((text) => `${text} binds`),
      ];
      return [[winner.name], ...laws(winner, alike(found.winners)), listed(notes)];
    });
    const headings = ["winner", ...lawHeadings(alike(found.winners)), "parameters"];
    const content = [table(headings, lines, "Winners")];
    if (found.idle.length) {
      content.push(make("p", {}, "On par, but one layer learns for nothing: ",
        ...listed(found.idle, found.more_idle), "."));
    }
    if (found.runner_up) {
      const { name, samples, factor } = found.runner_up;
      content.push(make("p", {}, `Runner-up: ${name}, with \\(P_*/\\kappa\\) in proportion to `
        + `${samples}, above the least by a factor ${factor}.`));
    }
    const code = make("pre", {}, make("code", {}, found.code));
    content.push(make("details", {}, make("summary", {}, "The same in Python"), code));
    return content;
  };

  calculator.patterns = (rows, total, showAll) => {
    const lines = rows.map((row) => {
      const name = row.verdict === "wins" ? make("strong", {}, row.name) : row.name;
      return [[name], [row.energy], [row.exponent], [row.margin], [row.verdict]];
    });
    const headings = ["pattern", "energy", "exponent", "above the least", "verdict"];
    const content = [table(headings, lines, "All patterns")];
    if (total > rows.length && showAll) {
      const button = make("button", { type: "button", class: "calc-button" }, `Show all ${total}`);
      button.addEventListener("click", showAll);
      content.push(button);
    }
    return content;
  };

  calculator.legend = (found) => {
    const lines = found.regions.map((region, i) => {
      const swatch = make("span", { class: "calc-swatch" }, calculator.swatch(i), `${i + 1}`);
      const mark = region.narrow.length ? [make("br"), "too narrow in part: ",
        ...listed(region.narrow)] : [];
      return [[swatch], ...laws(region, alike(found.regions)),
        [...listed(region.winners, region.more), ...mark]];
    });
    const headings = ["region", ...lawHeadings(alike(found.regions)), "winners"];
    const content = [table(headings, lines, "Regions of the phase diagram")];
    if (found.boundaries.length) {
      content.push(make("p", {}, "Borders: ", ...listed(found.boundaries), "."));
    }
    return content;
  };
})();
