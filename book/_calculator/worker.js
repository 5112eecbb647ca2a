// Runs Python beside the page. First message: the pieces; then one request a message.
"use strict";

const HERE = "https://calculator.invalid/"; // no address: every file comes from the pieces
const TYPES = { wasm: "application/wasm", json: "application/json" };
const files = new Map();
let answer = null;

self.onmessage = async ({ data }) => {
  try {
    if (data.pieces) {
      await start(data.pieces, data.assets);
      postMessage({ ready: true });
    } else {
      postMessage({ id: data.id, answer: JSON.parse(answer(JSON.stringify(data.request))) });
    }
  } catch (problem) {
    const lines = String(problem.message || problem).trim().split("\n");
    postMessage({ id: data.id, problem: lines[lines.length - 1] });
  }
};

async function start(pieces, assets) {
  postMessage({ phase: "Unpacking" });
  await unpack(pieces, assets);
  postMessage({ phase: "Starting Python" });
  const python = await load();
  postMessage({ phase: "Importing SymPy" });
  python.FS.writeFile("/book.zip", files.get("book.zip"));
  files.clear();
  python.runPython("import sys; sys.path.insert(0, '/book.zip'); from answer import answer");
  answer = python.globals.get("answer");
}

async function unpack(pieces, assets) {
  const source = new Blob(pieces.map(bytes)).stream();
  const stream = source.pipeThrough(new DecompressionStream("gzip"));
  const whole = new Uint8Array(await new Response(stream).arrayBuffer());
  let position = 0;
  for (const [name, length] of assets) {
    files.set(name, whole.subarray(position, position + length));
    position += length;
  }
}

function bytes(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function load() {
  const text = (name) => new TextDecoder().decode(files.get(name));
  // Pyodide takes any request for a file of its own to fetch; there is nothing else to fetch.
  self.fetch = async (address) => {
    const name = new URL(address, HERE).href.slice(HERE.length);
    if (!files.has(name)) throw new TypeError(`${name} is not among the calculator's files`);
    const type = TYPES[name.split(".").pop()] || "application/octet-stream";
    return new Response(files.get(name), { headers: { "content-type": type } });
  };
  // Pyodide refuses workers with importScripts, since they could not import its module. This one
  // is given the module.
  self.importScripts = () => {
    throw new Error("not used");
  };
  const run = eval; // called by another name it runs in the global scope
  run(text("pyodide.js"));
  return self.loadPyodide({
    indexURL: HERE,
    packageBaseUrl: HERE,
    createPyodideModule: run(text("pyodide.asm.js")),
  });
}
