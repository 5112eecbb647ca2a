"""How to cite the book and a chapter, from CITATION.cff alone."""

import yaml


def reference(root):
    """Read the book's own entry, with the version of the release.

    Parameters
    ----------
    root : pathlib.Path
        The repository.

    Returns
    -------
    dict
        ``author``, ``title``, ``year``, ``version``, all of them texts.
    """
    file = yaml.safe_load((root / "CITATION.cff").read_text("utf8"))
    book = file["preferred-citation"]
    names = [author["name"] for author in book["authors"]]
    return {"author": " and ".join(f"{{{name[0].upper()}{name[1:]}}}" for name in names),
            "title": book["title"], "year": str(book["year"]), "version": str(file["version"])}


def bibtex(root, name=None, title=None):
    r"""Write the BibTeX entry of the book, or of one of its chapters.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    name, title : str, optional
        File name and heading of a chapter.

    Returns
    -------
    str
    """
    book = reference(root)
    if name is None:
        kind, key = "misc", "featlearn"
        fields = {"author": book["author"], "title": book["title"]}
    else:
        kind, key = "incollection", f"featlearn-{name}"
        fields = {"author": book["author"], "title": title, "booktitle": book["title"]}
    fields |= {"year": book["year"], "note": f"Version {book['version']}"}
    width = max(map(len, fields))
    lines = [f"  {field:{width}} = {{{value}}}" for field, value in fields.items()]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"
