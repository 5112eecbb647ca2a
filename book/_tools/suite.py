"""Run the tests: of the library, of the book in its own environment, of its pages in a browser."""

import subprocess
import sys

from .chapters import ROOT
from .surroundings import environment

NBVAL = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=900",
         f"--nbval-sanitize-with={ROOT / 'book' / '_tools' / 'nbval.cfg'}")


def commands(root):
    """Return the three calls of pytest, each with its environment.

    The library's tests run on two processes of one thread, and so do those in a browser.
    Notebooks are validated one after another, in exactly the environment in which they were
    executed; by then the site is rendered for the browser.
    """
    pytest = [sys.executable, "-m", "pytest", "-q", "--durations=10"]
    two = ["-n", "2", "--dist", "loadscope"]
    library = [*pytest, *two, "tests", "lib", "--ignore=tests/book", "--ignore=tests/browser"]
    book = [*pytest, "tests/book", "book/_tools", "book/_ext", "book/notebooks", *NBVAL]
    browser = [*pytest, *two, "tests/browser"]
    alone = environment(root, threads=1)
    return [(library, alone), (book, environment(root)), (browser, alone)]


def run(root):
    """Run the whole suite; return 0 if all passed. Each part runs in any case."""
    codes = [subprocess.run(command, cwd=root, env=env).returncode
             for command, env in commands(root)]
    return max(codes)
