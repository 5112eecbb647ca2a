"""Render the stored outputs to a site; execute nothing."""

import os
import shutil
import subprocess
import sys
from time import perf_counter

from . import web
from .inputs import digest, read_stamp, site_inputs, write_stamp


def render(root, force=False):
    """Render the site to ``_build/html``, if anything that it shows changed.

    A stale site is rendered whole: Sphinx does not see that a result, a docstring or an
    extension of ours changed, and a minute is cheap.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    force : bool
        Render though nothing changed.

    Returns
    -------
    pathlib.Path
        The first page.

    Raises
    ------
    SystemExit
        If Sphinx warns or fails.
    """
    build = root / "_build"
    stamp = build / "rendered.json"
    index = build / "html" / "index.html"
    fetched = web.packages(root) is not None
    inputs = digest(root, site_inputs(root))
    if fetched:
        inputs += " with npm packages"
    if not force and index.exists() and read_stamp(stamp).get("inputs") == inputs:
        print("site: nothing changed, not rendered again", flush=True)
        return index

    stamp.unlink(missing_ok=True)
    for stale in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(build / stale, ignore_errors=True)
    print("site: rendering", flush=True)
    started = perf_counter()
    sphinx(root, "html", index)
    write_stamp(stamp, inputs=inputs)
    print(f"site: rendered in {perf_counter() - started:.0f} s", flush=True)
    return index


def sphinx(root, builder, wanted):
    """Let Sphinx build the book, with warnings as errors.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    builder : {"html", "latex"}
    wanted : pathlib.Path
        A file that must be there afterwards.

    Raises
    ------
    SystemExit
        If Sphinx warns or fails.
    """
    program = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program, "build", ".", "--path-output", ".",
               "--builder", builder, "-W", "-n", "--keep-going", "--quiet"]
    # The site documents the library of this tree, whatever else is installed.
    env = {**os.environ, "PYTHONPATH": str(root / "lib"), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=root, env=env, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0 or not wanted.exists():
        print(done.stdout)
        raise SystemExit(f"{builder}: rendering failed; each cause is a line with WARNING or ERROR "
                         "above")
