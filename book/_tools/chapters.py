"""Which files of the book are chapters, and where their executed twins lie."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def front_matter(text):
    """Read the YAML header of a MyST page.

    Parameters
    ----------
    text : str
        The page.

    Returns
    -------
    dict
        Its header; empty if it has none.

    Examples
    --------
    >>> front_matter("---\\njupytext: {}\\n---\\n# Title")
    {'jupytext': {}}
    >>> front_matter("# Title")
    {}
    """
    if not text.startswith("---\n"):
        return {}
    header, fence, _ = text[4:].partition("\n---")
    return (yaml.safe_load(header) or {}) if fence else {}


def chapters(root):
    """List the names of all chapters: pages of the book with a ``jupytext`` header."""
    pages = sorted((root / "book").glob("*.md"))
    return [page.stem for page in pages if "jupytext" in front_matter(page.read_text("utf8"))]


def arguments(root):
    """List the chapters that argue a claim: those under "Chapters" in the table of contents.

    They have a derivation, a prediction, an experiment and a verdict. Other executed
    pages show how to use the library.
    """
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    parts = [part for part in toc.get("parts", []) if part.get("caption") == "Chapters"]
    return [Path(chapter["file"]).stem for part in parts for chapter in part["chapters"]]


def chapter_path(root, name):
    """Return the path of a chapter's text.

    Raises
    ------
    ValueError
        If no chapter has this name.
    """
    known = chapters(root)
    if name not in known:
        raise ValueError(f"chapter must be one of {', '.join(known) or '(none yet)'}; got {name!r}")
    return root / "book" / f"{name}.md"


def twin_path(root, name):
    """Return the path of a chapter's executed twin, which need not exist."""
    return root / "book" / "notebooks" / f"{name}.ipynb"
