"""Run the tests: the library's in parallel, then the book's in the book's own environment."""

import subprocess
import sys

from .chapters import ROOT
from .surroundings import environment

NBVAL = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=900",
         f"--nbval-sanitize-with={ROOT / 'book' / '_tools' / 'nbval.cfg'}")


def commands(root):
    """Return the two calls of pytest, each with its environment.

    The library's tests run on two processes of one thread. Notebooks are validated one
    after another, in exactly the environment in which they were executed.
    """
    pytest = [sys.executable, "-m", "pytest", "-q", "--durations=10"]
    library = [*pytest, "-n", "2", "--dist", "loadscope", "tests", "lib",
               "--ignore=tests/book", "--ignore=tests/browser"]
    book = [*pytest, "tests/book", "tests/browser", "book/_tools", "book/_ext", "book/notebooks",
            *NBVAL]
    return [(library, environment(root, threads=1)), (book, environment(root))]


def run(root):
    """Run the whole suite; return 0 if all passed. The second part runs in any case."""
    codes = [subprocess.run(command, cwd=root, env=env).returncode
             for command, env in commands(root)]
    return max(codes)
