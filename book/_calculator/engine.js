// Loads the pieces, and asks the worker one question at a time.
"use strict";

(() => {
  const calculator = (window.scalingCalculator = window.scalingCalculator || {});
  const folder = document.currentScript.src.replace(/[^/]*$/, "");
  const AT_ONCE = 4; // scripts on their way
  const pieces = [];

  calculator.piece = (number, text) => {
    pieces[number] = text;
  };

  calculator.Engine = class {
    // bundle: pieces, assets and the worker's source; on.progress(bytes, total), on.phase(text)
    constructor(bundle, on) {
      Object.assign(this, { bundle, on, loaded: false, last: 0 });
      Object.assign(this, { worker: null, current: null, waiting: null });
    }

    // Milliseconds that the question of the moment has taken.
    get busy() {
      return this.current ? performance.now() - this.current.start : 0;
    }

    get size() {
      return this.bundle.pieces.reduce((sum, [, size]) => sum + size, 0);
    }

    async load() {
      let done = 0;
      const left = this.bundle.pieces.map(([name, size], number) => ({ name, size, number }));
      const fetchOne = async () => {
        while (left.length) {
          const piece = left.shift();
          if (!pieces[piece.number]) await script(folder + piece.name);
          done += piece.size;
          this.on.progress(done, this.size);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, fetchOne));
      await this.start();
    }

    // From a folder browsers start no worker by its address, but one from memory.
    async start() {
      const source = new Blob([this.bundle.worker], { type: "text/javascript" });
      const address = URL.createObjectURL(source);
      const worker = new Worker(address);
      try {
        await new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => {
            if (data.phase) this.on.phase(data.phase);
            if (data.ready) resolve();
            if (data.problem) reject(new Error(data.problem));
          };
          worker.onerror = (event) => reject(new Error(event.message || "no worker starts"));
          worker.postMessage({ pieces, assets: this.bundle.assets });
        });
      } catch (problem) {
        worker.terminate();
        throw problem;
      } finally {
        URL.revokeObjectURL(address);
      }
      Object.assign(this, { worker, loaded: true });
      worker.onmessage = ({ data }) => this.settle(data);
      worker.onerror = (event) => this.settle({ problem: event.message });
    }

    // The answer, or null if a later question or a cancellation came in between.
    ask(request) {
      return new Promise((resolve, reject) => {
        if (this.waiting) this.waiting.resolve(null);
        this.waiting = { request, resolve, reject };
        this.next();
      });
    }

    next() {
      if (this.current || !this.waiting || !this.worker) return;
      this.last += 1;
      this.current = { ...this.waiting, id: this.last, start: performance.now() };
      this.waiting = null;
      this.worker.postMessage({ id: this.current.id, request: this.current.request });
    }

    settle({ id, answer, problem }) {
      const { current } = this;
      if (!current || (id && id !== current.id)) return;
      this.current = null;
      if (problem) current.reject(new Error(problem));
      else current.resolve(this.waiting ? null : answer);
      this.next();
    }

    // A running computation ends only with its worker; a new one starts at once.
    async cancel() {
      for (const question of [this.current, this.waiting]) if (question) question.resolve(null);
      Object.assign(this, { current: null, waiting: null });
      if (!this.worker) return; // it is starting already
      this.worker.terminate();
      Object.assign(this, { worker: null, loaded: false });
      await this.start();
      this.next();
    }
  };

  function script(address) {
    return new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = address;
      element.onload = () => resolve(element.remove());
      element.onerror = () => {
        element.remove();
        reject(new Error(`${address.split("/").pop()} cannot be loaded`));
      };
      document.head.append(element);
    });
  }
})();
