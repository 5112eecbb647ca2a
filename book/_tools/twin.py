"""A chapter's executed twin: made from the text, compared, written without noise."""

import hashlib
import json
import os
from collections import Counter

import jupytext
import nbformat

from .chapters import chapter_path

RECORD = "featlearn"  # the key of the notebook's metadata that says how it was executed
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python",
            "pygments_lexer": "ipython3"}


def from_text(root, name):
    """Read a chapter's text as a notebook without outputs.

    Cell ids are hashes of the sources, so a cell keeps its id when others move.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    name : str
        The chapter.

    Returns
    -------
    nbformat.NotebookNode
    """
    text = jupytext.read(chapter_path(root, name), fmt="md:myst")
    notebook = nbformat.v4.new_notebook(cells=text.cells, metadata={"kernelspec": KERNEL,
                                                                    "language_info": LANGUAGE})
    seen = Counter()
    for cell in notebook.cells:
        base = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[base] += 1
        cell.id = base if seen[base] == 1 else f"{base}-{seen[base]}"
    return notebook


def dumps(notebook):
    """Return a notebook as text: keys sorted, one final newline."""
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def load(path):
    """Read a twin."""
    return nbformat.read(path, as_version=4)


def same_outputs(one, other):
    """Tell whether two twins differ at most in the record of their execution."""
    def bare(notebook):
        plain = json.loads(dumps(split(notebook)))
        plain["metadata"].pop(RECORD, None)
        return plain

    return bare(one) == bare(other)


def split(notebook):
    """Return the notebook as on disk, with long strings as lists of lines."""
    return nbformat.v4.rwbase.split_lines(nbformat.from_dict(json.loads(json.dumps(notebook))))


def write(path, notebook):
    """Write a twin in one step: a reader finds the old one or the new, never a part.

    Parameters
    ----------
    path : pathlib.Path
        Where it lies.
    notebook : nbformat.NotebookNode
        Executed.

    Returns
    -------
    bool
        False if the outputs equal the stored ones; the file then stays byte for byte.
    """
    if path.exists() and same_outputs(load(path), notebook):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(dumps(split(notebook)), "utf8")
    os.replace(partial, path)
    return True
