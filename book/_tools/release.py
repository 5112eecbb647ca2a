"""A release: one file with the site, the PDF and the repository; same input, same bytes."""

import hashlib
import json
import shutil
import subprocess
import tomllib
import zipfile

from .chapters import chapters, twin_path
from .execute import is_fresh
from .inputs import chapter_inputs, digest
from .notebook_guards import twin_agrees
from .render import render
from .twin import RECORD

MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file: the time of packing says nothing
TOP = ("CITATION.cff", "LICENSE", "LICENSE-text")
# Sphinx's notes for its own next run, which name nothing that a reader needs.
LEFT_OUT = (".buildinfo",)
README = """\
Scaling arguments for feature learning, version {version}

Open index.html in a browser. The book needs no network and no server; any static
server will do as well (its files are in site/).

  site/         the book, page by page
{pdf}  repository/   the library, the chapters as text, their executed notebooks, the
                stored results and all that builds this book:
                  book/*.md               chapters as text
                  book/notebooks/*.ipynb  the same, with their outputs
                  book/results/*.nc       stored results, netCDF
                To run a chapter again, in that folder: make chapter C=two-layer

To check the files: sha256sum -c --quiet SHA256SUMS
MANIFEST.txt has the size of each. To cite the book: CITATION.cff.
The code is under the MIT licence (LICENSE), the text under CC BY 4.0 (LICENSE-text).
"""
INDEX = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=site/index.html">
<title>Scaling arguments for feature learning</title>
<p><a href="site/index.html">Scaling arguments for feature learning</a></p>
</html>
"""


class ReleaseError(ValueError):
    """What would be released is not what the repository says."""


def release(root, pdf=None):
    """Render the site and pack it with the PDF and the repository.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    pdf : callable, optional
        Builds the PDF: takes ``root`` and returns its path, or None if it cannot.

    Returns
    -------
    pathlib.Path
        ``_build/release/featlearn-VERSION.zip``; its SHA-256 is in a file beside it.

    Raises
    ------
    ReleaseError
        If a chapter's outputs are not those of its text, the library and the results of
        today, or if something is changed and not committed.
    """
    changed = uncommitted(root)
    if changed:
        raise ReleaseError(f"not committed: {', '.join(changed)}")
    stale = stale_chapters(root)
    if stale:
        raise ReleaseError(f"chapters to be executed again (make book): {', '.join(stale)}")
    html = render(root).parent
    made = pdf(root) if pdf else None
    if made is None:
        print("release: the PDF is left out", flush=True)
    return pack(root, html, made, tracked(root))


def pack(root, html, pdf, sources):
    """Write the archive and the file with its SHA-256.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    html : pathlib.Path
        Folder of the site.
    pdf : pathlib.Path or None
        The PDF.
    sources : sequence of pathlib.Path
        Files of the repository.

    Returns
    -------
    pathlib.Path
    """
    version = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]["version"]
    contents = {name: (root / name).read_bytes() for name in TOP}
    contents["index.html"] = INDEX.encode()
    line = "  featlearn.pdf  the book as one document\n" if pdf else ""
    contents["README.txt"] = README.format(version=version, pdf=line).encode()
    if pdf:
        contents["featlearn.pdf"] = pdf.read_bytes()
    for folder, base, files in (("site", html, html.rglob("*")), ("repository", root, sources)):
        contents |= {f"{folder}/{path.relative_to(base).as_posix()}": path.read_bytes()
                     for path in files if path.is_file() and path.name not in LEFT_OUT}
    programs = {f"repository/{path.relative_to(root).as_posix()}"
                for path in sources if path.stat().st_mode & 0o100}
    sizes = [f"{len(contents[name]):>10}  {name}" for name in sorted(contents)]
    contents["MANIFEST.txt"] = ("\n".join(sizes) + "\n").encode()
    sums = [f"{sha256(contents[name])}  {name}" for name in sorted(contents)]
    contents["SHA256SUMS"] = ("\n".join(sums) + "\n").encode()

    name = f"featlearn-{version}"
    target = root / "_build" / "release" / f"{name}.zip"
    shutil.rmtree(target.parent, ignore_errors=True)
    target.parent.mkdir(parents=True)
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(contents):
            entry = zipfile.ZipInfo(f"{name}/{path}", MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            mode = 0o100755 if path in programs else 0o100644
            entry.create_system, entry.external_attr = 3, mode << 16  # as Unix writes it
            archive.writestr(entry, contents[path], compresslevel=9)
    summed = f"{sha256(target.read_bytes())}  {target.name}\n"
    target.with_name(f"{target.name}.sha256").write_text(summed, "utf8")
    return target


def sha256(content):
    """Hash bytes."""
    return hashlib.sha256(content).hexdigest()


def stale_chapters(root):
    """List the chapters whose outputs are not known to be those of today's inputs.

    They are known if the chapter was executed on this machine, or if its twin says that it
    was executed anywhere with just these inputs.
    """
    stale = []
    for name in chapters(root):
        path = twin_path(root, name)
        if not path.exists() or twin_agrees(root, name):
            stale.append(name)
        elif not is_fresh(root, name):
            record = json.loads(path.read_text("utf8"))["metadata"].get(RECORD, {})
            if record.get("inputs") != digest(root, chapter_inputs(root, name)):
                stale.append(name)
    return stale


def git(root, *arguments):
    """Ask git.

    Raises
    ------
    ReleaseError
        If it cannot tell.
    """
    done = subprocess.run(("git", *arguments), cwd=root, capture_output=True, text=True)
    if done.returncode != 0:
        raise ReleaseError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return [name for name in done.stdout.split("\0") if name]


def tracked(root):
    """List the files of the repository."""
    return [root / name for name in git(root, "ls-files", "-z")]


def uncommitted(root):
    """List the files that were changed, added or removed since the last commit."""
    return [line[3:] for line in git(root, "status", "--porcelain", "-z", "--no-renames")]
