"""Files that a page hands out: links that save them, their sizes and their hashes."""

import hashlib

from docutils import nodes
from sphinx.addnodes import download_reference


def download(env, path, text):
    """Link to a copy of a file, which Sphinx puts beside the pages.

    Parameters
    ----------
    env : sphinx.environment.BuildEnvironment
    path : pathlib.Path
        The file, in the repository.
    text : str
        What the link says.

    Returns
    -------
    docutils.nodes.Node
    """
    target = "/" + path.relative_to(env.srcdir).as_posix()
    return download_reference("", "", nodes.literal(text=text), reftarget=target,
                              refdoc=env.docname)


def size(path):
    """Write the size of a file as a person would.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> for number in (999, 181913, 2_400_000):
    ...     stat = SimpleNamespace(st_size=number)
    ...     print(size(SimpleNamespace(stat=lambda: stat)))
    999 B
    182 kB
    2.4 MB
    """
    number = path.stat().st_size
    if number < 1000:
        return f"{number} B"
    return f"{number / 1e3:.0f} kB" if number < 1e6 else f"{number / 1e6:.1f} MB"


def sha256(path):
    """Show the first digits of a file's SHA-256, and all of them when pointed at."""
    full = hashlib.sha256(path.read_bytes()).hexdigest()
    return nodes.abbreviation("", full[:8], explanation=full)
