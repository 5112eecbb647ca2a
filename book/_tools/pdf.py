"""The whole book as one PDF, typeset by XeLaTeX from the stored outputs; execute nothing."""

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from time import perf_counter

from .inputs import digest, read_stamp, site_inputs, write_stamp
from .render import render, sphinx

NAME = "featlearn"
# What TeX needs, by a file of each Debian package: found by the program `which`, or by TeX.
PROGRAMS = {"texlive-xetex": "xelatex", "latexmk": "latexmk"}
FILES = {"texlive-latex-extra": "tabulary.sty", "texlive-fonts-recommended": "pzdr.tfm",
         "fonts-texgyre": "texgyrepagella-regular.otf",
         "fonts-texgyre-math": "texgyrepagella-math.otf",
         "fonts-dejavu-core": "DejaVuSansMono.ttf"}
OVERFULL = 10.0  # points by which a line may run into the margin


def missing():
    """List the Debian packages without which the book cannot be typeset."""
    absent = [package for package, program in PROGRAMS.items() if not shutil.which(program)]
    if "texlive-xetex" in absent:
        return [*absent, *FILES]
    return absent + [package for package, file in FILES.items() if not found(file)]


def found(file):
    """Tell whether TeX finds a file."""
    return subprocess.run(("kpsewhich", file), capture_output=True).returncode == 0


def require_tex():
    """Stop with one sentence if a package is missing.

    Raises
    ------
    SystemExit
        With the packages and the command that installs them.
    """
    absent = missing()
    if absent:
        raise SystemExit(f"make pdf needs Debian packages that are not installed here: "
                         f"apt-get install --no-install-recommends {' '.join(absent)}")


def inputs(root):
    """List the files whose change makes the PDF stale."""
    style = [path for path in (root / "book" / "_latex").iterdir() if path.is_file()]
    return [*site_inputs(root), *style, root / "CITATION.cff"]


def build(root, force=False):
    """Typeset the book, if anything that it shows changed.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    force : bool
        Typeset though nothing changed.

    Returns
    -------
    pathlib.Path
        ``_build/pdf/featlearn.pdf``; TeX's record of its work lies beside it.

    Raises
    ------
    SystemExit
        If TeX is not installed, Sphinx warns, or a page is not as it should be.
    """
    require_tex()
    target = root / "_build" / "pdf" / f"{NAME}.pdf"
    stamp = target.with_suffix(".json")
    wanted = digest(root, inputs(root))
    if not force and target.exists() and read_stamp(stamp).get("inputs") == wanted:
        print("pdf: nothing changed, not typeset again", flush=True)
        return target

    stamp.unlink(missing_ok=True)
    render(root)  # what Sphinx read for the site, it needs not read again
    print("pdf: typesetting", flush=True)
    started = perf_counter()
    folder = root / "_build" / "latex"
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / f"{NAME}.tex"
    sphinx(root, "latex", source)
    typeset(source)
    complaints = flaws(source.with_suffix(".log").read_text("utf8", "replace"))
    if complaints:
        raise SystemExit("\n".join(["pdf: the pages have flaws", *complaints]))
    target.parent.mkdir(parents=True, exist_ok=True)
    for ending in (".log", ".aux", ".pdf"):
        shutil.copy(source.with_suffix(ending), target.parent)
    write_stamp(stamp, inputs=wanted)
    print(f"pdf: typeset in {perf_counter() - started:.0f} s", flush=True)
    return target


def typeset(source):
    """Run XeLaTeX as often as references need.

    Raises
    ------
    SystemExit
        If it stops: with what it said last.
    """
    command = ["latexmk", "-xelatex", "-interaction=nonstopmode", "-halt-on-error",
               "-file-line-error", "-quiet", source.name]
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch(source.read_text("utf8"))),
           "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    done = subprocess.run(command, cwd=source.parent, env=env, capture_output=True, text=True,
                          errors="replace")
    if done.returncode != 0:
        log = source.with_suffix(".log")
        said = log.read_text("utf8", "replace").splitlines() if log.exists() else []
        errors = [place for place, line in enumerate(said) if re.match(r"\S+:\d+: |! ", line)]
        shown = said[errors[0]:errors[0] + 12] if errors else said[-30:]
        raise SystemExit("\n".join(["pdf: XeLaTeX failed", *shown, done.stderr[-2000:]]))


def epoch(text):
    """Return the second at which the book's day began: the date of the file, for every machine.

    >>> epoch(r"\\newcommand{\\BookDate}{1970-01-02}")
    86400
    """
    date = re.search(r"\\BookDate\}\{(\d{4}-\d\d-\d\d)\}", text)
    if not date:
        return 0
    return int(datetime.strptime(date[1], "%Y-%m-%d").replace(tzinfo=UTC).timestamp())


def flaws(log):
    r"""List what is wrong with the pages, by TeX's record.

    Parameters
    ----------
    log : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> flaws("Overfull \\hbox (3.5pt too wide) in paragraph at lines 3--4")
    []
    >>> flaws("Overfull \\hbox (13.5pt too wide) in paragraph at lines 3--4")
    ['a line is 13.5 pt too wide: in paragraph at lines 3--4']
    >>> flaws("Missing character: There is no ∝ in font mono!")
    ['Missing character: There is no ∝ in font mono!']
    """
    complaints = [f"a line is {width} pt too wide: {place}"
                  for width, place in re.findall(
                      r"Overfull \\hbox \(([\d.]+)pt too wide\) (.*)", log)
                  if float(width) > OVERFULL]
    complaints += re.findall(r"^Missing character: .*", log, re.M)
    complaints += re.findall(r"^LaTeX Warning: .*(?:undefined|multiply defined|Rerun).*", log, re.M)
    return list(dict.fromkeys(complaints))
