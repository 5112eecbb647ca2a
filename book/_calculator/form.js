// The form: what was typed, as a request, and as the part of a link behind the hash.
"use strict";

(() => {
  const calculator = (window.scalingCalculator = window.scalingCalculator || {});
  const TICKS = 12; // steps of a slider in a unit: halves, thirds, quarters
  const RANGE = { FCN: 4, CNN: 1 };
  const PLAIN = ["network", "depth", "degree", "scaling"];

  // The widths that a network has, or null while its depth is no number.
  function widthsOf({ network, depth }) {
    if (network === "CNN") return ["S", "N"];
    const layers = Number(depth) - 1;
    if (!Number.isInteger(layers) || layers < 1 || layers > 12) return null;
    return layers === 1 ? ["N"] : Array.from({ length: layers }, (_, i) => `N${i + 1}`);
  }

  function ceiling(network, name) {
    return network === "CNN" && name === "S" ? 1 : RANGE.FCN;
  }

  // "1/2" as 6 ticks; null if it is no plain fraction.
  function ticksOf(text) {
    const found = /^\s*([0-9]+(?:\.[0-9]+)?)\s*(?:\/\s*([0-9]+))?\s*$/.exec(text);
    return found ? Math.round((TICKS * found[1]) / (found[2] || 1)) : null;
  }

  function fraction(ticks) {
    const divide = (a, b) => (b ? divide(b, a % b) : a);
    const common = divide(ticks, TICKS);
    return TICKS === common ? `${ticks / TICKS}` : `${ticks / common}/${TICKS / common}`;
  }

  calculator.fraction = (share, low, high) => {
    const value = number(low) + share * (number(high) - number(low));
    return fraction(Math.round(TICKS * value));
  };

  function number(text) {
    const [above, below] = text.split("/");
    return Number(above) / Number(below || 1);
  }
  calculator.number = number;

  calculator.name = (name) => {
    const parts = /^([A-Za-z])(\w*)$/.exec(name);
    const letter = calculator.make("i", {}, parts[1]);
    return parts[2] ? [letter, calculator.make("sub", {}, parts[2])] : [letter];
  };

  calculator.Form = class {
    constructor(root) {
      this.root = root;
      this.rows = root.querySelector(".calc-widths");
      this.names = [];
      this.known = {}; // what was typed for widths that are not shown now
      root.addEventListener("input", (event) => this.follow(event.target));
    }

    field(name) {
      return this.root.elements.namedItem(name);
    }

    read() {
      const request = { weak: this.field("weak").checked, widths: {}, vary: {} };
      for (const name of PLAIN) request[name] = this.field(name).value;
      for (const name of this.names) request.widths[name] = this.field(name).value;
      for (const axis of ["x", "y"]) {
        const name = this.field(axis).value;
        const ends = [this.field(`${axis}.low`).value, this.field(`${axis}.high`).value];
        if (name) request.vary[name] = ends;
      }
      return request;
    }

    write(request) {
      for (const name of PLAIN) this.field(name).value = request[name];
      this.field("weak").checked = request.weak;
      Object.assign(this.known, request.widths);
      this.lay(Object.entries(request.vary));
    }

    // Boxes for the widths of the network, and the choice of axes.
    lay(axes = this.axes()) {
      const network = this.field("network").value;
      const names = widthsOf({ network, depth: this.field("depth").value });
      this.root.classList.toggle("calc-cnn", network === "CNN");
      this.field("depth").disabled = network === "CNN";
      if (!names) return;
      this.names = names;
      this.rows.replaceChildren(...names.map((name) => this.row(name, network)));
      const kept = axes.filter(([name]) => names.includes(name));
      const free = names.filter((name) => !kept.some(([other]) => other === name));
      while (axes.length && kept.length < Math.min(axes.length, names.length)) {
        const name = free.shift();
        kept.push([name, ["0", `${Math.min(3, ceiling(network, name))}`]]);
      }
      ["x", "y"].forEach((axis, i) => {
        const [chosen, ends] = kept[i] || ["", ["0", "3"]];
        const select = this.field(axis);
        const options = (i ? ["", ...names] : names).map((name) => new Option(name || "–", name));
        select.replaceChildren(...options);
        select.value = chosen;
        this.field(`${axis}.low`).value = ends[0];
        this.field(`${axis}.high`).value = ends[1];
      });
      this.settle();
    }

    axes() {
      return ["x", "y"]
        .map((axis) => [
          this.field(axis).value,
          [this.field(`${axis}.low`).value, this.field(`${axis}.high`).value],
        ])
        .filter(([name]) => name);
    }

    row(name, network) {
      const { make } = calculator;
      const value = name in this.known ? this.known[name] : "1";
      const id = `calc-width-${name}`;
      const most = ceiling(network, name) * TICKS;
      const slider = make("input", {
        type: "range", min: 0, max: most, step: 1, "data-width": name,
        "aria-label": `Exponent of ${name}, by slider`,
      });
      const box = make("input", {
        type: "text", id, name, value, size: 6, autocomplete: "off", inputmode: "text",
        "aria-label": `Exponent of ${name}`,
      });
      const label = make("label", { for: id }, "exponent of ", ...calculator.name(name));
      this.slide(slider, value);
      return make("div", { class: "calc-width" }, label, slider, box);
    }

    slide(slider, text) {
      const ticks = ticksOf(text);
      if (ticks !== null) slider.value = ticks;
      slider.setAttribute("aria-valuetext", text);
    }

    // A slider writes its box, a box moves its slider, and a network has its own widths.
    follow(target) {
      const name = target.dataset.width;
      if (name) {
        this.field(name).value = fraction(Number(target.value));
        target.setAttribute("aria-valuetext", this.field(name).value);
      } else if (this.names.includes(target.name)) {
        this.slide(this.rows.querySelector(`[data-width=${target.name}]`), target.value);
      }
      for (const width of this.names) this.known[width] = this.field(width).value;
      if (["network", "depth"].includes(target.name)) this.lay();
      if (["x", "y"].includes(target.name)) this.part(target);
      this.settle();
    }

    // The two axes are of different widths.
    part(changed) {
      const other = this.field(changed.name === "x" ? "y" : "x");
      if (changed.value !== other.value) return;
      other.value = this.names.find((name) => name !== changed.value) || "";
      if (other.name === "x" && !other.value) [other.value, changed.value] = [changed.value, ""];
    }

    settle() {
      for (const end of ["low", "high"]) {
        this.field(`y.${end}`).disabled = !this.field("y").value;
      }
    }

    set(name, text) {
      this.field(name).value = text;
      this.follow(this.field(name));
    }

    // Mark the fields that an error is about; none without arguments.
    mark(names = []) {
      for (const box of this.root.querySelectorAll("[aria-invalid]")) {
        box.removeAttribute("aria-invalid");
        box.removeAttribute("aria-describedby");
      }
      const boxes = names.flatMap((name) => {
        if (!name.startsWith("vary.")) return [this.field(name)];
        const axis = this.field("x").value === name.slice(5) ? "x" : "y";
        return [this.field(`${axis}.low`), this.field(`${axis}.high`)];
      });
      for (const box of boxes.filter(Boolean)) {
        box.setAttribute("aria-invalid", "true");
        box.setAttribute("aria-describedby", "calc-error");
      }
    }
  };

  calculator.toHash = (request) => {
    const code = (text) => encodeURIComponent(text).replace(/%2F/g, "/");
    const pairs = PLAIN.filter((name) => !(name === "depth" && request.network === "CNN"))
      .map((name) => [name, request[name]])
      .concat(Object.entries(request.widths));
    Object.entries(request.vary).forEach(([name, ends], i) => {
      pairs.push([i ? "y" : "x", [name, ...ends].join(":")]);
    });
    if (request.weak) pairs.push(["weak", "1"]);
    const text = ([name, value]) => `${name}=${value.split(":").map(code).join(":")}`;
    return `#${pairs.map(text).join("&")}`;
  };

  // The request in a link, or null if its hash is of another kind.
  calculator.fromHash = (hash) => {
    const found = new URLSearchParams(hash.replace(/^#/, ""));
    if (!["FCN", "CNN"].includes(found.get("network"))) return null;
    const request = { network: found.get("network"), widths: {}, vary: {} };
    request.depth = found.get("depth") || "2";
    request.degree = found.get("degree") || "3";
    request.scaling = found.get("scaling") === "mean-field" ? "mean-field" : "standard";
    request.weak = found.get("weak") === "1";
    const names = widthsOf(request) || [];
    for (const name of names) request.widths[name] = found.get(name) ?? "1";
    for (const axis of ["x", "y"]) {
      const [name, low, high] = (found.get(axis) || "").split(":");
      if (names.includes(name)) request.vary[name] = [low || "0", high || "1"];
    }
    if (names.length && !Object.keys(request.vary).length) request.vary[names[0]] = ["0", "3"];
    return request;
  };
})();
