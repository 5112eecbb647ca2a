"""What is demanded of a chapter and of its twin. Each check returns a list of complaints."""

import re

from .chapters import chapters, twin_path
from .twin import from_text, load

SECTIONS = ("Derivation", "Prediction", "Experiment", "Verdict", "Exercises")
# All by which nbval, nbclient, jupytext or myst-nb leaves a cell out. Folding one (hide-input)
# is allowed: it is validated, and a click shows it.
HIDING = re.compile(
    r"nbval|raises[-_]exception|skip[-_]execution|pytest_validate"
    r"|remove[-_](cell|input|output|stderr|stdout)|inactive|frozen",
    re.IGNORECASE,
)
HIDING_COMMENT = re.compile(r"#\s*(nbval_|pytest_validate)\w+", re.IGNORECASE)
PICTURE = re.compile(r"image/|application/pdf")


def twins_present(root):
    """Each chapter has a twin, and each twin a chapter."""
    texts = set(chapters(root))
    twins = {path.stem for path in (root / "book" / "notebooks").glob("*.ipynb")}
    return ([f"{name}: never executed, no twin" for name in sorted(texts - twins)]
            + [f"{name}: a twin without a text" for name in sorted(twins - texts)])


def twin_agrees(root, name):
    """The twin's cells are those of the text: types, order, sources, metadata."""
    def content(notebook):
        return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]

    text, twin = content(from_text(root, name)), content(load(twin_path(root, name)))
    if len(text) != len(twin):
        return [f"{name}: the text has {len(text)} cells, its twin {len(twin)}"]
    return [f"{name}: cell {i} of the text is not that of the twin; run make chapter C={name}"
            for i, (here, there) in enumerate(zip(text, twin, strict=True)) if here != there]


def executed_in_order(notebook):
    """Every code cell was executed, once, from the first to the last, without errors."""
    complaints = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for i, cell in enumerate(code, start=1):
        if cell.execution_count != i:
            complaints.append(f"code cell {i} has execution count {cell.execution_count}")
        for output in cell.outputs:
            if output.output_type == "error":
                complaints.append(f"code cell {i} failed with {output.ename}")
            if output.get("name") == "stderr":
                complaints.append(f"code cell {i} wrote to stderr: {output.text[:80]!r}")
    return complaints if code else ["no code cell"]


def nothing_hidden(notebook):
    """No cell is kept from the reader or from nbval, by tag, metadata or comment."""
    complaints = []
    for i, cell in enumerate(notebook.cells):
        marks = [*cell.metadata.get("tags", []), *(key for key in cell.metadata if key != "tags")]
        complaints += [f"cell {i} is tagged {mark!r}" for mark in marks if HIDING.search(mark)]
        if cell.cell_type == "code":
            found = HIDING_COMMENT.search(cell.source)
            complaints += [f"cell {i} holds the comment {found[0]!r}"] if found else []
        if cell.cell_type == "raw":
            complaints.append(f"cell {i} is raw")
    return complaints


def figures_described(notebook):
    """A cell with a picture has one, with a digest, alt text, a name and a caption."""
    complaints = []
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        pictures = sum(any(PICTURE.match(kind) for kind in output.get("data", {}))
                       for output in cell.outputs)
        if not pictures:
            continue
        printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
        settings = cell.metadata.get("mystnb", {})
        image, figure = settings.get("image", {}), settings.get("figure", {})
        demands = {
            "more than one picture": pictures == 1,
            "no printed line that starts with 'digest'": re.search("^digest", printed, re.M),
            "no alt text (mystnb: image: alt)": str(image.get("alt", "")).strip(),
            "no name (mystnb: figure: name)": figure.get("name"),
            "no caption (mystnb: figure: caption)": figure.get("caption"),
        }
        complaints += [f"cell {i}: {lack}" for lack, met in demands.items() if not met]
    return complaints


def sections_in_order(notebook):
    """The headings hold those that every chapter has, in their order."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    headings = re.findall(r"^## +(.*)$", text, re.M)
    places = [next((i for i, heading in enumerate(headings) if section in heading), None)
              for section in SECTIONS]
    missing = [section for section, place in zip(SECTIONS, places, strict=True) if place is None]
    if missing:
        return [f"no section {section}" for section in missing]
    if places != sorted(places):
        return [f"the sections are not ordered {', '.join(SECTIONS)}"]
    return []
