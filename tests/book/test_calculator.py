"""The calculator's answers are the library's, and what it loads holds the library unchanged."""

import doctest
import importlib.util
import io
import json
import re
import zipfile
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

from _ext import calculator, pyodide_bundle
from _tools.chapters import ROOT
from featlearn.scaling import CNN, FCN, PAPER, WeakSpecialization, phase_diagram, predict

SOURCES = ROOT / calculator.SOURCES
PRESETS = {one["name"]: one for one in calculator.presets(SOURCES)}
REQUEST = PRESETS["Three layers, all widths d"]["request"]
TOO_NARROW = "Three layers, the first one narrow"

spec = importlib.util.spec_from_file_location("answer", SOURCES / "answer.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)


def ask(part="prediction", **changes):
    return json.loads(module.answer(json.dumps({**REQUEST, "part": part, **changes})))


def library(request):
    """Arguments for the library, written down once more."""
    network = CNN() if request["network"] == "CNN" else FCN(depth=int(request["depth"]))
    patterns = [*PAPER, WeakSpecialization] if request["weak"] else PAPER
    return (network, int(request["degree"])), {"scaling": request["scaling"], "patterns": patterns}


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).attempted and not doctest.testmod(module).failed


# Answers.


@pytest.mark.parametrize("name", PRESETS)
def test_prediction_of_a_preset_is_the_librarys(name):
    request, found = PRESETS[name]["request"], PRESETS[name]["prediction"]
    first, options = library(request)
    expected = predict(*first, request["widths"], **options)
    assert found["exponent"] == str(expected.exponent)
    names = [winner["name"] for winner in found["winners"]]
    assert names == [repr(winner) for winner in expected.winners][: len(names)]
    assert len(names) + found["more"] == len(expected.winners)
    table = expected.table()
    assert found["patterns"] == len(table)
    assert [(row["name"], row["exponent"]) for row in found["rows"]] == [
        (repr(row.pattern), str(row.exponent)) for row in table[: len(found["rows"])]
    ]
    for winner, row in zip(found["winners"], table, strict=False):
        assert len(winner["parameters"]) == len(row.parameters)


@pytest.mark.parametrize("name", PRESETS)
def test_diagram_of_a_preset_is_the_librarys(name):
    request, found = PRESETS[name]["request"], PRESETS[name]["diagram"]
    first, options = library(request)
    fixed = {name: x for name, x in request["widths"].items() if name not in request["vary"]}
    expected = phase_diagram(*first, request["vary"], fixed, **options)
    assert [region["energy"] for region in found["regions"]] == [
        rf"\({region.law.latex()}\)" for region in expected.regions
    ]
    point = [request["widths"][name] for name in request["vary"]]
    inside = [found["regions"][i - 1]["energy"] for i in found["point"]["regions"]]
    assert inside == [rf"\({region.law.latex()}\)" for region in expected.at(*point)]


@pytest.mark.parametrize(
    "name, exponent",
    [
        ("Two layers, width d", "1"),
        ("Two layers in mean-field scaling", "1/2"),
        ("Three layers, all widths d", "1"),
        ("CNN, all sizes alike", "3/4"),
    ],
)
def test_presets_of_the_paper(name, exponent):
    assert PRESETS[name]["prediction"]["exponent"] == exponent


def test_law_of_the_samples_is_not_that_of_the_energy_in_mean_field_scaling():
    """Its exponent is the one of the preset, 1/2; the energy is larger by the width d."""
    found = PRESETS["Two layers in mean-field scaling"]["prediction"]
    assert found["law"] == r"\frac{P_*}{\kappa}\propto \sqrt{d}"
    assert found["energy"].endswith("= d^{3/2}")


def test_narrow_layers_are_named():
    (warning,) = {x for w in PRESETS[TOO_NARROW]["prediction"]["winners"] for x in w["narrow"]}
    assert warning.startswith("`N1*e1(1)`") and warning.endswith("< 1")
    assert not any(w["narrow"] for w in ask()["winners"])


def test_exact_fractions_are_kept():
    found = ask(widths={"N1": "1/3", "N2": "0.7"})
    assert r"d^{1/3}" in found["question"] and r"d^{7/10}" in found["question"]


@pytest.mark.parametrize("name", PRESETS)
def test_code_to_copy_gives_the_same(name):
    names = {}
    imports, call = PRESETS[name]["prediction"]["code"].split("\n\n")
    exec(imports, names)
    assert str(eval(call, names).exponent) == PRESETS[name]["prediction"]["exponent"]


def test_all_rows_are_sent_when_asked_for():
    changes = {"depth": "4", "widths": {"N1": "1", "N2": "1", "N3": "1"}}
    head, whole = ask(**changes), ask("rows", **changes)
    assert len(head["rows"]) == module.ROWS < len(whole["rows"]) == head["patterns"]
    assert whole["rows"][: module.ROWS] == head["rows"]


@pytest.mark.parametrize("depth, degree, weak", [(2, 3, False), (3, 5, True), (4, 3, False)])
def test_patterns_are_counted_beforehand(depth, degree, weak):
    widths = {name: "1" for name in FCN(depth=depth).widths}
    found = ask(depth=str(depth), degree=str(degree), weak=weak, widths=widths)
    assert found["patterns"] == module.number_of_patterns(depth - 1, degree, 3 + weak)


def test_point_outside_of_the_ranges():
    assert ask("diagram", widths={"N1": "4", "N2": "1"})["point"] == {"at": None, "regions": []}


def test_corners_lie_in_the_box_of_side_one():
    for region in ask("diagram", vary={"N1": ["1/2", "2"], "N2": ["0", "3"]})["regions"]:
        corners = [x for outline in region["outlines"] for corner in outline for x in corner]
        assert 0 <= min(corners) and max(corners) <= 1


# What the library refuses.


@pytest.mark.parametrize(
    "part, changes, fields",
    [
        ("prediction", {"depth": "1"}, ["depth"]),
        ("prediction", {"depth": "three"}, ["depth"]),
        ("prediction", {"degree": "2"}, ["degree"]),
        ("prediction", {"scaling": "other"}, ["scaling"]),
        ("prediction", {"widths": {"N1": "1/x", "N2": "1"}}, ["N1"]),
        ("prediction", {"widths": {"N1": "1", "N2": "-1"}}, ["N2"]),
        ("prediction", {"widths": {"N1": "1"}}, ["N2"]),
        ("prediction", {"network": "CNN", "widths": {"S": "2", "N": "1"}}, ["S"]),
        ("diagram", {"vary": {"N1": ["2", "1"]}}, ["vary.N1"]),
        ("diagram", {"vary": {"N1": ["0", "much"]}}, ["vary.N1"]),
    ],
    ids=str,
)
def test_error_names_its_field(part, changes, fields):
    error = ask(part, **changes)["error"]
    assert error["fields"] == fields
    assert (
        "Traceback" not in error["message"]
        and error["message"].split(".")[-1] in fields
        or (fields[0].split(".")[-1] in error["message"])
    )


def test_message_is_the_librarys():
    with pytest.raises(ValueError) as caught:
        predict(FCN(depth=3), 3, {"N1": "1/x", "N2": "1"})
    assert ask(widths={"N1": "1/x", "N2": "1"})["error"]["message"] == str(caught.value)


def test_what_takes_hours_is_refused():
    widths = {name: "1" for name in FCN(depth=9).widths}
    error = ask(depth="9", widths=widths)["error"]
    assert error["fields"] == ["depth"] and str(module.MOST) in error["message"]


# What the page loads.


@pytest.fixture(scope="module")
def built(html):
    """The page's own data, and the folder with the pieces."""
    page = BeautifulSoup((html / "book" / "calculator.html").read_text("utf8"), "html.parser")
    data = page.select_one(".calc-data")
    if data is None:
        assert calculator.ABSENT in " ".join(page.get_text().split())
        pytest.skip("the site was built without npm packages")
    return page, json.loads(data.get_text()), html / calculator.FOLDER


def differences(files, archive):
    """Names of files that an archive does not hold byte for byte."""
    with zipfile.ZipFile(io.BytesIO(archive)) as held:
        names = set(held.namelist())
        return [n for n, data in files.items() if n not in names or held.read(n) != data]


def test_bundle_holds_the_library_byte_for_byte(built):
    _, data, folder = built
    archive = pyodide_bundle.read(folder, data["bundle"])["book.zip"]
    files = pyodide_bundle.library(ROOT)
    assert "featlearn/scaling/prediction.py" in files
    assert differences(files, archive) == []
    assert differences({"answer.py": (SOURCES / "answer.py").read_bytes()}, archive) == []


def test_stale_library_is_caught(tmp_path):
    written = pyodide_bundle.write(tmp_path, {"book.zip": pyodide_bundle.zipped({"a.py": b"1"})})
    archive = pyodide_bundle.read(tmp_path, written)["book.zip"]
    assert differences({"a.py": b"1"}, archive) == []
    assert differences({"a.py": b"2", "b.py": b"1"}, archive) == ["a.py", "b.py"]


def test_bundle_holds_the_licences(built):
    _, data, folder = built
    archive = pyodide_bundle.read(folder, data["bundle"])["book.zip"]
    with zipfile.ZipFile(io.BytesIO(archive)) as held:
        licences = [name for name in held.namelist() if "LICENSE" in name]
    assert {name.split("-")[0] for name in licences} == {"sympy", "mpmath"}


def test_button_states_the_size(built):
    page, data, folder = built
    sizes = {path.name: path.stat().st_size for path in folder.glob("piece-*.js")}
    assert sizes == dict(data["bundle"]["pieces"])
    assert max(sizes.values()) < 2**20
    stated = re.search(r"\((\d+) MB\)", page.select_one(".calc-submit")["data-load"])[1]
    assert abs(int(stated) - sum(sizes.values()) / 1e6) <= 0.5


def test_page_holds_the_answers_to_the_presets(built):
    _, data, _ = built
    assert data["presets"] == list(PRESETS.values())


def test_packing_is_the_same_each_time():
    files = {"b.py": b"2", "a.py": b"1"}
    assert pyodide_bundle.zipped(files) == pyodide_bundle.zipped(dict(sorted(files.items())))


def test_many_pieces_are_joined_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(pyodide_bundle, "PIECE", 7)
    files = {"one": bytes(range(256)), "two": b"", "three": b"three"}
    written = pyodide_bundle.write(tmp_path, files)
    assert len(written["pieces"]) > 20
    assert pyodide_bundle.read(tmp_path, written) == files


@pytest.mark.parametrize(
    "text",
    [
        "function _createPyodideModule() {}",
        "import x from 'y';\n" + pyodide_bundle.MODULE,
        "import.meta.env;" + pyodide_bundle.MODULE,
        pyodide_bundle.MODULE + "more();",
    ],
)
def test_other_pyodide_is_refused(text):
    with pytest.raises(pyodide_bundle.BundleError):
        pyodide_bundle.classic(text)


def test_without_node_the_sources_are_packed(tmp_path, monkeypatch, capsys):
    (tmp_path / "node_modules" / "pyodide").mkdir(parents=True)
    pyodide = tmp_path / "node_modules" / "pyodide"
    (pyodide / "package.json").write_text("{}")
    monkeypatch.setattr(pyodide_bundle.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = pyodide_bundle.compiled_by_pyodide(SOURCES / "compile.mjs", pyodide, {}, {}, [])
    assert found == {} and "starts slowly" in capsys.readouterr().out


def test_without_npm_packages_the_page_says_so(tmp_path):
    app = SimpleNamespace(srcdir=tmp_path, outdir=tmp_path, builder=SimpleNamespace(format="html"))
    calculator.pack(app)
    calculator.copy_sources(app, None)
    assert app.calculator_bundle is None and not list(tmp_path.iterdir())
    directive = object.__new__(calculator.ScalingCalculator)
    env = SimpleNamespace(app=app)
    settings = SimpleNamespace(env=env)
    directive.state = SimpleNamespace(document=SimpleNamespace(settings=settings))
    (paragraph,) = directive.run()
    assert paragraph.astext() == calculator.ABSENT
