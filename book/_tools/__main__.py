"""The commands behind the Makefile."""

import argparse

from . import anchors, lock, pdf, suite
from .chapters import ROOT, chapter_path, chapters
from .execute import execute, is_fresh
from .release import ReleaseError, release
from .render import render


def parse():
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m _tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("book", help="execute what changed, render what changed")
    commands.add_parser("html", help="render the stored outputs")
    commands.add_parser("slides", help="render the slides with the site")
    commands.add_parser("pdf", help="typeset the stored outputs")
    commands.add_parser("test", help="run the whole suite")
    commands.add_parser("release", help="pack the site, the PDF and the repository into one file")
    commands.add_parser("anchors", help="enter the site's new anchors in the list that is kept")
    chapter = commands.add_parser("chapter", help="execute one chapter afresh and render")
    chapter.add_argument("name", nargs="?", default="")
    chapter.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    pin = commands.add_parser("lock", help="resolve the dependencies anew")
    pin.add_argument("--torch", help="version to move torch to")
    pin.add_argument("--environment-only", action="store_true",
                     help="only write environment.yml anew from the lock")
    return parser.parse_args()


def build_book(root):
    """Execute each chapter that changed, then render."""
    for name in chapters(root):
        if is_fresh(root, name):
            print(f"{name}: nothing changed, not executed again", flush=True)
        else:
            execute(root, name)
    announce(render(root))


def build_chapter(root, name, device):
    """Execute one chapter afresh, then render."""
    try:
        chapter_path(root, name)
    except ValueError as error:
        raise SystemExit(f"make chapter C=NAME: {error}") from None
    execute(root, name, device)
    announce(render(root))


def build_slides(root):
    """Render the site, of which the slides are a part, and say where they are."""
    slides = render(root).parent / "slides"
    if not (slides / "index.html").exists():
        raise SystemExit("make slides: this copy of the site has no slides, see above; "
                         "reveal.js is fetched by npm once, with a network")
    print(f"\nThe slides are listed in {slides / 'index.html'}")
    for deck in sorted(slides.glob("*.html")):
        if deck.stem != "index":
            print(f"  {deck}")
    print("Open one in a browser: S shows the notes, ?print-pdf lays it out for paper.")


def build_release(root):
    """Pack what a reader downloads, or say in a line why not."""
    absent = pdf.missing()
    if absent:
        print(f"release: the PDF needs Debian packages that are missing: {' '.join(absent)}")
    try:
        target = release(root, None if absent else pdf.build)
    except ReleaseError as error:
        raise SystemExit(f"make release: {error}") from None
    print(f"\n{target}\n{target.stat().st_size / 1e6:.1f} MB; its SHA-256 is in "
          f"{target.name}.sha256")


def announce(index):
    """Say where the site is and how to open it."""
    print(f"\nThe book is in {index.parent}\n"
          f"Open {index} in a browser, or run `make serve`.")


def main():
    """Do what the command line says."""
    arguments = parse()
    if arguments.command == "book":
        build_book(ROOT)
    elif arguments.command == "html":
        announce(render(ROOT))
    elif arguments.command == "slides":
        build_slides(ROOT)
    elif arguments.command == "pdf":
        print(f"The book is {pdf.build(ROOT)}")
    elif arguments.command == "chapter":
        build_chapter(ROOT, arguments.name, arguments.device)
    elif arguments.command == "release":
        build_release(ROOT)
    elif arguments.command == "anchors":
        anchors.add(ROOT, render(ROOT).parent)
    elif arguments.command == "test":
        raise SystemExit(suite.run(ROOT))
    else:
        pins = lock.read_lock(ROOT) if arguments.environment_only else lock.resolve(
            ROOT, arguments.torch)
        lock.write(ROOT, pins)


main()
