"""What the calculator loads: Python for browsers, SymPy and the library, in pieces of text.

A page opened from a folder may fetch nothing, but it may run scripts. So everything is one
compressed stream, cut into scripts that each hand over one piece.
"""

import base64
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

SECONDS = 300  # for compiling
PIECE = 720 * 1024  # bytes; a third more as text
MODULE, CLASSIC = "export default _createPyodideModule;", "return _createPyodideModule;"
# Parts of Python's library that neither Pyodide's start nor the answers import.
UNUSED = re.compile(
    r"(_pyrepl|doctest|html|imaplib|mailbox|multiprocessing|pdb|pickletools|pydoc|pydoc_data|"
    r"smtplib|unittest|wsgiref|xml|xmlrpc)(/|\.py$)"
    r"|encodings/(big5|cp(?!437)|euc|gb|hp|hz|iso|johab|koi|kz|mac|palmos|ptcp|shift|tis)")
TOUCHED = "import sys, featlearn.scaling; print(*{'/'.join(m.split('.')[:2]) for m in sys.modules})"


class BundleError(RuntimeError):
    """Pyodide is not what this packing was written for."""


def assets(root, modules, requests=()):
    """Collect what the worker needs, by name.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    modules : pathlib.Path
        The folder ``node_modules`` that holds Pyodide.
    requests : sequence of dict
        Requests to the calculator; what they import is compiled.

    Returns
    -------
    dict of str to bytes
    """
    pyodide, sources = modules / "pyodide", root / "book" / "_calculator"
    lock = json.loads((pyodide / "pyodide-lock.json").read_text("utf8"))
    standard = standard_library(pyodide / "python_stdlib.zip")
    ours = {"answer.py": (sources / "answer.py").read_bytes(), **library(root)}
    others = symbolic(root)
    compiled = compiled_by_pyodide(sources / "compile.mjs", pyodide, ours, others, requests)
    return {
        "pyodide.js": (pyodide / "pyodide.js").read_bytes(),
        "pyodide.asm.js": classic((pyodide / "pyodide.asm.mjs").read_text("utf8")).encode(),
        "pyodide.asm.wasm": (pyodide / "pyodide.asm.wasm").read_bytes(),
        # Pyodide asks for its list of packages; none of them is wanted.
        "pyodide-lock.json": json.dumps({**lock, "packages": {}}).encode(),
        "python_stdlib.zip": zipped(replaced(standard, compiled)),
        "book.zip": zipped({**ours, **replaced(others, compiled)}),
    }


def classic(text):
    """Turn Pyodide's module into an expression; from a folder browsers start no module workers.

    >>> classic("f(import.meta.url);" + MODULE)
    '(() => {"use strict";f(self.location.href);return _createPyodideModule;})()'
    """
    body, mark, rest = text.rpartition(MODULE)
    if not mark or rest.strip() or re.search(r"^\s*(import|export)\b", body, re.M):
        raise BundleError(f"pyodide.asm.mjs does not end with its only export, {MODULE!r}")
    body = body.replace("import.meta.url", "self.location.href")
    if "import.meta" in body:
        raise BundleError("pyodide.asm.mjs uses import.meta for more than its address")
    return f'(() => {{"use strict";{body}{CLASSIC}}})()'


def standard_library(path):
    """Read Python's own library, without what is never imported."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()
                if not name.endswith("/") and not UNUSED.match(name)}


def library(root):
    """Read the library's files, by their names in an archive."""
    lib = root / "lib"
    paths = [lib / "featlearn" / "__init__.py", *(lib / "featlearn" / "scaling").glob("*.py")]
    return {path.relative_to(lib).as_posix(): path.read_bytes() for path in paths}


def symbolic(root):
    """Read SymPy and mpmath as installed, with their licences.

    Left out are tests and those packages inside SymPy of which the library imports nothing.
    """
    done = subprocess.run([sys.executable, "-c", TOUCHED], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(root / "lib")}, check=True)
    touched = set(done.stdout.split())
    found = {}
    for name in ("sympy", "mpmath"):
        for file in distribution(name).files:
            parts = Path(file).parts
            wanted = parts[0] == name and file.suffix == ".py" and not {"tests", "benchmarks"} & {
                *parts} and (len(parts) == 2 or "/".join(parts[:2]) in touched)
            if wanted or ".dist-info" in parts[0] and "LICENSE" in file.name:
                found[file.as_posix()] = file.locate().read_bytes()
    return found


def compiled_by_pyodide(script, pyodide, ours, others, requests):
    """Compile what the calculator imports, by Pyodide in node: it starts several times faster.

    The result is kept beside ``node_modules``, until SymPy or Pyodide change.

    Returns
    -------
    dict of str to bytes
        By name, like ``sympy/core/add.pyc``; empty, with a line that says so, without node.
    """
    version = (pyodide / "package.json").read_bytes()
    content = b"".join((script.read_bytes(), version, *others.values()))
    work = pyodide.parent.parent / f"compiled-{hashlib.sha256(content).hexdigest()[:12]}"
    if not (work / "compiled.zip").exists():
        work.mkdir(exist_ok=True)
        (work / "book.zip").write_bytes(zipped({**ours, **others}))
        (work / "requests.json").write_text(json.dumps(list(requests)), "utf8")
        node = Path(sys.executable).parent / "node"
        command = [node if node.exists() else "node", script, pyodide, work]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"calculator: not compiled, so it starts slowly: {error}", flush=True)
            return {}
    with zipfile.ZipFile(work / "compiled.zip") as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def replaced(files, compiled):
    """Put compiled modules in place of their sources.

    >>> replaced({"a.py": b"source", "b.py": b"source"}, {"a.pyc": b"code", "c.pyc": b"code"})
    {'b.py': b'source', 'a.pyc': b'code'}
    """
    kept = {name: data for name, data in files.items() if f"{name}c" not in compiled}
    return kept | {f"{name}c": compiled[f"{name}c"] for name in files if f"{name}c" in compiled}


def zipped(files):
    """Store files uncompressed, so that all are compressed together, and always alike."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])
    return target.getvalue()


def write(folder, found):
    """Write the pieces.

    Parameters
    ----------
    folder : pathlib.Path
        Where to write ``piece-00.js`` and so on.
    found : dict of str to bytes

    Returns
    -------
    dict
        ``pieces``, pairs of a name and a size in bytes, and ``assets``, pairs of a name and a
        length in the stream, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stream = gzip.compress(b"".join(found.values()), 6, mtime=0)
    pieces = []
    for number, start in enumerate(range(0, len(stream), PIECE)):
        name = f"piece-{number:02}.js"
        text = base64.b64encode(stream[start:start + PIECE]).decode()
        script = f'scalingCalculator.piece({number}, "{text}");\n'
        (folder / name).write_text(script, "ascii")
        pieces.append((name, len(script)))
    return {"pieces": pieces, "assets": [(name, len(data)) for name, data in found.items()]}


def read(folder, manifest):
    """Read back what :func:`write` wrote.

    Returns
    -------
    dict of str to bytes
    """
    texts = [(folder / name).read_text("ascii").split('"')[1] for name, _ in manifest["pieces"]]
    stream = io.BytesIO(gzip.decompress(b"".join(map(base64.b64decode, texts))))
    return {name: stream.read(length) for name, length in manifest["assets"]}
