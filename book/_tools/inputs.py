"""What an output depends on, as one SHA-256: the rule by which work is repeated or not."""

import hashlib
import json

from .chapters import chapter_path


def digest(root, paths):
    """Hash files, by their paths below ``root`` and their contents.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    paths : iterable of pathlib.Path
        Files below it, in any order.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    total = hashlib.sha256()
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return total.hexdigest()


def chapter_inputs(root, name):
    """List the files whose change makes a chapter's outputs stale.

    They are its text, the whole library, the lock, and each stored result or benchmark whose
    name occurs in the text, be it as the name of its module (`_` for `-`). Finer rules would have
    to know what the library imports and when.
    """
    text = chapter_path(root, name)
    words = text.read_text("utf8").replace("_", "-")
    stored = [*(root / "book" / "results").glob("*.nc"),
              *(root / "benchmarks" / "results").glob("*.json")]
    # A benchmark's file is named in full: its stem is an ordinary word.
    loaded = [path for path in stored
              if (path.name if path.suffix == ".json" else path.stem).replace("_", "-") in words]
    return [text, root / "requirements.lock", *library(root), *loaded]


def site_inputs(root):
    """List the files whose change makes the rendered site stale."""
    book = root / "book"
    pages = [*book.rglob("*.md")]  # the chapters' too, which their pages hand out
    shown = [path for pattern in ("*.bib", "notebooks/*.ipynb", "results/*.nc")
             for path in book.glob(pattern)]
    shown += (root / "benchmarks" / "results").glob("*.json")
    made_by = [path for folder in ("_static", "_ext", "_web", "_calculator")
               for path in (book / folder).rglob("*")
               if path.is_file() and path.suffix != ".pyc"]
    made_by += [book / "_tools" / name for name in ("citation.py", "inputs.py")]
    config = [root / name for name in ("_config.yml", "_toc.yml", "requirements.lock",
                                       "CITATION.cff")]
    return [*pages, *shown, *made_by, *config, *library(root)]


def library(root):
    """List the modules of the library."""
    return [*(root / "lib").rglob("*.py")]


def read_stamp(path):
    """Read what the last run recorded; an empty dict if it recorded nothing readable."""
    try:
        return json.loads(path.read_text("utf8"))
    except (OSError, ValueError):
        return {}


def write_stamp(path, **record):
    """Record a finished run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", "utf8")
