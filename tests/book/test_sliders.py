"""The numbers of the slider figures are those of featlearn.theory; their directive is sound."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from _tools.chapters import ROOT
from featlearn.theory.condensate import condensate, condensation_point, scaling_constant
from featlearn.theory.neuron_law import NeuronLaw

SCRIPTS = ROOT / "book" / "_static" / "sliders"
# Reads a script and cases from stdin, and prints what its function says of each.
PROGRAM = """
const { figure, code, cases } = JSON.parse(require("fs").readFileSync(0));
require("vm").runInThisContext(code);
const shown = featlearnSliders.figures[figure];
console.log(JSON.stringify(cases.map((c) => {
  if (figure === "condensate") {
    return { ...shown.numbers.condensate(c), wide: shown.numbers.wide(c).energy };
  }
  const law = shown.numbers.neuronLaw(c);
  return { ...law, log: c.mu.map(law.logDensity) };
})));
"""
OVERLAPS = (0.0, 0.1, 0.5, 0.9, 1.3, 2.0)
LAWS = [
    {"d": d, "degree": m, "tilt": tilt, "mu": OVERLAPS}
    for m in (1, 3, 5)
    for d in (5, 10, 40, 100)
    for tilt in (0.0, 0.3, 0.7, 0.9, 1.0, 1.2)
]
GROUPS = [
    {"ratio": ratio, "alpha": alpha, "degree": m}
    for m in (3, 5, 7)
    for alpha in (0.1, 0.55, 2.0)
    for ratio in (0.01, 0.046, 1.0, 4.6, 100.0)
]


def computed(figure, cases, change=("", "")):
    """Run the scripts in node, with a piece of text changed."""
    paths = (SCRIPTS / "theory.js", SCRIPTS / "figures" / f"{figure}.js")
    code = "\n".join(path.read_text("utf8") for path in paths)
    assert change[0] in code
    code = code.replace(*change)
    node = Path(sys.executable).parent / "node"
    done = subprocess.run(
        [node, "-e", PROGRAM],
        input=json.dumps({"figure": figure, "code": code, "cases": cases}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def law_complaints(found):
    """Compare each case with NeuronLaw, to seven digits."""
    complaints = []
    for case, shown in zip(LAWS, found, strict=True):
        d, m = case["d"], case["degree"]
        theta = case["tilt"] * condensation_point(m).strength
        law = NeuronLaw(d, d, np.sqrt(2 * d * d * theta), m)  # at N = d
        barrier = law.barrier()
        expected = {
            "log": law.log_overlap_density(OVERLAPS),
            "mode": law.mode(),
            "barrier": barrier,
            "share": law.probability_beyond(barrier) if barrier else 0.0,
            "alignment": law.mean_alignment(),
        }
        for name, value in expected.items():
            here = np.array(shown[name], float)
            there = np.array(value, float)
            # A log is compared by its error, for it is zero somewhere.
            scale = 1.0 if name == "log" else np.abs(there)
            close = np.abs(here - there) <= 1e-7 * scale
            if not np.all(close | (np.isnan(here) & np.isnan(there))):
                complaints.append(f"{name} of {case}: {here}, {there} in the library")
    return complaints


def group_complaints(found):
    """Compare each case with the library's condensate, to seven digits."""
    complaints = []
    for case, shown in zip(GROUPS, found, strict=True):
        alpha, ratio, m = case["alpha"], case["ratio"], case["degree"]
        best = condensate(alpha, ratio, m)
        wide = scaling_constant(alpha, m) * np.sqrt(ratio)
        # The library finds the place of the minimum to 1e-5, its value to more digits.
        pairs = (
            ("M", best.count, 0),
            ("energy", best.energy, 1e-9),
            ("wide", wide, 1e-9),
            ("overlap", best.overlap, 1e-5),
            ("rest", best.rest, 2e-5),
        )
        complaints += [
            f"{name} of {case}: {shown[name]}, {value} in the library"
            for name, value, digits in pairs
            if abs(shown[name] - value) > digits * value
        ]
    return complaints


def test_law_of_a_neuron_is_the_library_s():
    assert law_complaints(computed("neuron-law", LAWS)) == []


def test_condensate_is_the_library_s():
    assert group_complaints(computed("condensate", GROUPS)) == []


@pytest.mark.parametrize(
    "change",
    [
        ("const shape = (d - 1) / 2", "const shape = d / 2"),
        ("0.2 * width", "9 * width"),
        ("(3 + 2 * v * v)", "(3 + v * v)"),
    ],
    ids=("prior", "rule", "tilt"),
)
def test_wrong_law_is_caught(change):
    assert law_complaints(computed("neuron-law", LAWS, change))


@pytest.mark.parametrize(
    "change",
    [("* alpha * ratio) / 2", "* alpha * ratio) / 2.0001"), ("best.M + 1", "best.M + 2")],
    ids=("pull", "step"),
)
def test_wrong_condensate_is_caught(change):
    assert group_complaints(computed("condensate", GROUPS, change))


# The directive, in a book of two pages.

PAGE = """\
Title
=====

See :numref:`fig-law`.

.. slider-figure:: {}
   :name: fig-law

   {}
"""


def build(folder, builder, name="neuron-law", caption="**A law**, drawn\n   in the page."):
    """Build the small book; return what Sphinx did."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "index.rst").write_text(PAGE.format(name, caption))
    (source / "plain.rst").write_text(":orphan:\n\nPlain\n=====\n")
    path = os.pathsep.join(str(ROOT / part) for part in ("book", "lib"))
    options = ["-C", "-W", "-q", "-D", "extensions=_ext.sliders", "-D", "numfig=1"]
    static = ["-D", f"html_static_path={ROOT / 'book' / '_static'}"]
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", builder, *options, *static, source, folder / "out"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_page_with_a_slider_loads_scripts_and_others_none(tmp_path):
    done = build(tmp_path, "html")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "index.html").read_text("utf8")
    scripts = ("theory", "plot", "panel", "figures/neuron-law")
    places = [page.index(f"sliders/{name}.js") for name in scripts]
    assert places == sorted(places)
    assert "figures/condensate.js" not in page
    assert 'data-figure="neuron-law"' in page and "<noscript>" in page
    assert "Fig. 1" in page
    assert "sliders" not in (tmp_path / "out" / "plain.html").read_text("utf8")


def test_paper_has_the_caption_and_a_sentence(tmp_path):
    done = build(tmp_path, "latex")
    assert done.returncode == 0, done.stderr
    (text,) = [path.read_text("utf8") for path in (tmp_path / "out").glob("*.tex")]
    figure = text.split(r"\begin{figure}")[1].split(r"\end{figure}")[0]
    assert "on the web page of this chapter" in figure and r"\caption" in figure


@pytest.mark.parametrize(
    "name, caption, message",
    [
        ("neuron-lore", "A law.", "name = 'neuron-lore': one of condensate, neuron-law is needed"),
        ("neuron-law", "A law.\n\n   And more.", "a caption of one paragraph is needed"),
    ],
    ids=("name", "caption"),
)
def test_wrong_figure_is_refused(tmp_path, name, caption, message):
    done = build(tmp_path, "html", name, caption)
    assert done.returncode != 0
    assert message in done.stderr


def test_page_gains_little_weight():
    """The scripts and the style of one figure stay below 24 kB, as they are written."""
    shared = sum(path.stat().st_size for path in SCRIPTS.glob("*.*"))
    figures = [path.stat().st_size for path in (SCRIPTS / "figures").glob("*.js")]
    assert shared + max(figures) < 24_000
