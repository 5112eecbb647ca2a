// Compiles, at build time, what the calculator's start imports: node compile.mjs PYODIDE WORK
// WORK holds book.zip, requests.json and, afterwards, compiled.zip.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const PROGRAM = `
import importlib, json, sys, zipfile
from importlib import _bootstrap_external as files, util

sys.path.insert(0, "/book.zip")
answer = importlib.import_module("answer").answer
for request in json.loads(requests):
    answer(json.dumps(request))
with zipfile.ZipFile("/compiled.zip", "w") as archive:
    for module in list(sys.modules.values()):
        origin = getattr(getattr(module, "__spec__", None), "origin", None) or ""
        home, found, name = origin.partition(".zip/")
        if found and name.endswith(".py"):
            source = module.__loader__.get_data(origin)
            code = compile(source, origin, "exec", dont_inherit=True, optimize=2)
            data = files._code_to_hash_pyc(code, util.source_hash(source), False)
            archive.writestr(f"{home.split('/')[-1]}/{name}c", bytes(data))
`;

const [pyodide, work] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(join(pyodide, "pyodide.mjs")));
const python = await loadPyodide();
python.FS.writeFile("/book.zip", new Uint8Array(readFileSync(join(work, "book.zip"))));
python.globals.set("requests", readFileSync(join(work, "requests.json"), "utf8"));
python.runPython(PROGRAM);
writeFileSync(join(work, "compiled.zip"), python.FS.readFile("/compiled.zip"));
