"""The list of permanent anchors: places to which others link, kept from release to release."""

from .site_guards import permanent_anchors, read_site

LIST = "tests/book/anchors.txt"


def anchors(html):
    """Collect the permanent anchors of the pages of a site.

    Parameters
    ----------
    html : pathlib.Path
        Folder of the site.

    Returns
    -------
    set of str
        Such as ``"book/notation.html#notation"``.
    """
    found = set()
    for path, page in read_site(html / "book").items():
        address = path.relative_to(html.resolve()).as_posix()
        for names in permanent_anchors(page).values():
            found |= {f"{address}#{name}" for name in names}
    return found


def listed(root):
    """Read the list; an empty set if there is none."""
    path = root / LIST
    return set(path.read_text("utf8").split()) if path.exists() else set()


def complaints(root, html):
    """Compare a site with the list: nothing listed is gone, and nothing new is unlisted."""
    here, kept = anchors(html), listed(root)
    return [*(f"{name} is gone, and links to it break: bring it back, or take it off {LIST}"
              for name in sorted(kept - here)),
            *(f"{name} is not in {LIST}: `make anchors` adds it" for name in sorted(here - kept))]


def add(root, html):
    """Enter what is new in the list; nothing leaves it here.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    html : pathlib.Path
        Folder of the site.
    """
    here, kept = anchors(html), listed(root)
    path = root / LIST
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}\n" for name in sorted(here | kept)), "utf8")
    print(f"{LIST}: {len(here - kept)} added, {len(here | kept)} in all", flush=True)
    for name in sorted(kept - here):
        print(f"{name} is in the list and not on the site", flush=True)
