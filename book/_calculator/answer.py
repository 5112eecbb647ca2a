"""Answers of the calculator: a request as JSON in, an answer as JSON out.

It runs in the reader's browser, and in the build for the presets. All physics is
``featlearn.scaling``'s; this module only reads what was typed and arranges what is shown.
Mathematics is LaTeX between ``\\(`` and ``\\)``, code stands between backticks.

A request has the texts of the form::

    {"part": "prediction", "network": "FCN", "depth": "3", "degree": "3",
     "scaling": "standard", "weak": false,
     "widths": {"N1": "1", "N2": "1/2"}, "vary": {"N1": ["0", "3"]}}

``part`` is ``"prediction"``, ``"rows"`` (all rows of the table) or ``"diagram"``.
"""

import json
import re
from functools import lru_cache

from featlearn.scaling import CNN, FCN, PAPER, WeakSpecialization, phase_diagram, polygons, predict
from featlearn.scaling.architectures import read_degree, read_widths
from featlearn.scaling.powers import ScalingLaw, latex_name

FEW = 6  # winners that are described one by one
ROWS = 40  # rows of the table that are sent at first
MOST = 10_000  # patterns, beyond which a browser takes too long
ROOM = 0.2  # shares of the box that a formula needs inside a region
ARGUMENT = re.compile(
    r"(widths|vary|point)(?:\['(\w+)'\]| has (?:no )?'?(\w+))?|(depth|degree|scaling)\b"
)


def answer(text):
    """Answer a request.

    Parameters
    ----------
    text : str
        JSON of the request.

    Returns
    -------
    str
        JSON of the answer. For input that the library refuses it is
        ``{"error": {"message": ..., "fields": [...]}}``, with the fields to mend.
    """
    request = json.loads(text)
    parts = {"prediction": prediction, "rows": rows, "diagram": diagram}
    try:
        found = parts[request["part"]](request)
    except ValueError as error:
        names = fields(str(error), request["vary"] if request["part"] == "diagram" else ())
        found = {"error": {"message": str(error), "fields": names}}
    return json.dumps(found)


def fields(message, varied=()):
    """Name the fields of the form that an error of the library is about.

    Parameters
    ----------
    message : str
    varied : collection of str
        Widths for which the range was used, and not the exponent.

    Returns
    -------
    list of str

    Examples
    --------
    >>> fields("widths['N1'] = 'x': an int is needed"), fields("depth = 1: at least 2")
    (['N1'], ['depth'])
    >>> fields("widths has S = d^2 and Nw = d^-1"), fields("widths has S = d^2", {"S": (0, 2)})
    (['S'], ['vary.S'])
    """
    found = ARGUMENT.match(message)
    if not found:
        return []
    argument, quoted, plain, other = found.groups()
    name = quoted or plain or other
    ranged = argument == "vary" or name in varied
    return [f"vary.{name}" if ranged else name] if name else []


def prediction(request):
    """Winners, exponent, warnings and the head of the table at the widths of the request."""
    found = _predicted(*_problem(request), _sorted(request["widths"]))
    ridge = _ridge(found)
    best = [_row_of(found, pattern) for pattern in found.winners]
    idle = [repr(pattern) for pattern in found.ties if _row_of(found, pattern).verdict == "idle"]
    other, energy = found.runner_up, best[0].solution.energy
    table = found.table()
    return {
        "question": _question(found),
        "code": _code(found, request),
        "exponent": str(found.exponent),
        "law": rf"\frac{{P_*}}{{\kappa}}\propto {_chain(energy / ridge, found)}",
        "energy": rf"\tilde E\propto {_chain(energy, found)}",
        "winners": [_winner(row, ridge) for row in best[:FEW]],
        "more": max(0, len(best) - FEW),
        "idle": idle[:FEW],
        "more_idle": max(0, len(idle) - FEW),
        "runner_up": other
        and {
            "name": repr(other.pattern),
            "samples": rf"\({_power(other.exponent)}\)",
            "factor": rf"\({_power(other.margin)}\)",
        },
        "patterns": len(table),
        "rows": [_line(row) for row in table[:ROWS]],
    }


def rows(request):
    """All rows of the table."""
    found = _predicted(*_problem(request), _sorted(request["widths"]))
    return {"rows": [_line(row) for row in found.table()]}


def diagram(request):
    """Regions of the phase diagram in a box of side one, and where the widths lie in it."""
    varied = {name: tuple(ends) for name, ends in request["vary"].items()}
    fixed = {name: x for name, x in request["widths"].items() if name not in varied}
    found = _drawn(*_problem(request), tuple(varied.items()), _sorted(fixed))
    ends = list(found.ranges.values())
    axes = [
        {"name": name, "latex": latex_name(name), "low": str(low), "high": str(high)}
        for name, (low, high) in found.ranges.items()
    ]
    ridge = _ridge(found)
    return {
        "axes": axes,
        "fixed": _powers_of_d(found.fixed),
        "regions": [_region(region, ends, ridge) for region in found.regions],
        "boundaries": list(dict.fromkeys(rf"\({b.latex()}\)" for b in found.boundaries)),
        "point": _point(found, request["widths"]),
    }


def _problem(request):
    """Architecture, degree, scaling and families; refuses what would run for hours."""
    network = CNN() if request["network"] == "CNN" else FCN(depth=_whole(request["depth"]))
    degree = read_degree(_whole(request["degree"]))
    families = (*PAPER, WeakSpecialization) if request.get("weak") else PAPER
    count = number_of_patterns(len(network.layers), degree, len(families) - 1)
    if count > MOST:
        deep = isinstance(network, FCN)
        name, value = ("depth", network.depth) if deep else ("degree", degree)
        raise ValueError(
            f"{name} = {value}: there are {count} patterns to compare, and this page stops at "
            f"{MOST}; the library on your own machine does not"
        )
    return network, degree, request["scaling"], families


def number_of_patterns(layers, degree, families):
    """Count the patterns to compare: the first layer sees the linear feature only.

    Examples
    --------
    >>> number_of_patterns(layers=1, degree=3, families=3)
    4
    >>> number_of_patterns(layers=3, degree=3, families=3)
    196
    """
    features = (degree + 1) // 2
    return (1 + families) * (1 + families * features) ** (layers - 1)


@lru_cache(maxsize=4)
def _predicted(network, degree, scaling, families, widths):
    return predict(network, degree, dict(widths), scaling=scaling, patterns=families)


@lru_cache(maxsize=4)
def _drawn(network, degree, scaling, families, varied, fixed):
    return phase_diagram(
        network, degree, dict(varied), dict(fixed), scaling=scaling, patterns=families
    )


def _whole(text):
    """An int where the text is one; the library says what it thinks of the rest."""
    return int(text) if re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", text) else text


def _sorted(widths):
    return tuple(sorted(widths.items()))


def _ridge(found):
    """What the ridge is divided by."""
    last = found.architecture.layers[-1]
    return ScalingLaw({last: int(found.scaling == "mean-field")})


def _row_of(found, pattern):
    return next(row for row in found.table() if row.pattern == pattern)


def _math(law):
    return rf"\({law.latex()}\)"


def _equation(name, law):
    return rf"\({latex_name(name)} = {law.latex()}\)"


def _chain(law, found):
    """``\\sqrt{d N} = d^{1}``: the law, then its value at these widths."""
    value = ScalingLaw({"d": law.exponent(found.exponents)})
    return law.latex() if law == value else f"{law.latex()} = {_power(value.powers.get('d', 0))}"


def _power(exponent):
    return "1" if not exponent else "d" if exponent == 1 else f"d^{{{exponent}}}"


def _question(found):
    widths = _powers_of_d({name: found.exponents[name] for name in found.architecture.widths})
    return f"`{found.architecture!r}`, degree {found.degree}, {widths}, {found.scaling} scaling"


def _powers_of_d(exponents):
    return ", ".join(_equation(name, ScalingLaw({"d": x})) for name, x in exponents.items())


def _code(found, request):
    """The same question to the library, to copy."""
    given = {name: found.exponents[name] for name in request["widths"]}
    widths = ", ".join(
        f'"{name}": ' + (str(x) if x.denominator == 1 else f'"{x}"') for name, x in given.items()
    )
    scaling = ', scaling="mean-field"' * (found.scaling == "mean-field")
    weak = ", patterns=[*PAPER, WeakSpecialization]" * bool(request.get("weak"))
    call = f"predict({found.architecture!r}, degree={found.degree}, widths={{{widths}}}"
    names = [repr(found.architecture).split("(")[0], "predict"]
    names += ["PAPER", "WeakSpecialization"] * bool(request.get("weak"))
    return f"from featlearn.scaling import {', '.join(sorted(names))}\n\n{call}{scaling}{weak})"


def _winner(row, ridge):
    return {
        "name": repr(row.pattern),
        "energy": _math(row.solution.energy),
        "samples": _math(row.solution.energy / ridge),
        "parameters": [_equation(name, law) for name, law in row.solution.parameters.items()],
        "free": [
            rf"\({latex_name(name)}\) from \({_power(low)}\) to \({_power(high)}\)"
            for name, (low, high) in row.ranges.items()
        ],
        "bounds": [f"`{bound}`" for bound in row.bounds],
        "narrow": [rf"`{text}` = {_math(law)} < 1" for text, law in row.narrow],
    }


def _line(row):
    verdict = "ties, idle" if row.verdict == "idle" and not row.margin else row.verdict
    return {
        "name": repr(row.pattern),
        "energy": _math(row.solution.energy),
        "exponent": str(row.exponent),
        "margin": str(row.margin) if row.margin else "",
        "verdict": verdict,
    }


def _region(region, ends, ridge):
    names = [repr(winner) for winner in region.winners]
    middle = _middle(region)
    place = _place(middle, ends)
    outlines = [[_place(corner, ends) for corner in line] for line in region.outlines]
    return {
        "energy": _math(region.law),
        "samples": _math(region.law / ridge),
        "winners": names[:FEW],
        "more": max(0, len(names) - FEW),
        "narrow": [f"`{text} < 1`" for text in region.narrow],
        "outlines": outlines,
        "label": place,
        "room": min(_chord(outlines, place, axis) for axis in range(len(place))) > ROOM,
    }


def _middle(region):
    """The centre of mass where the region holds it, else the centre of its largest cell.

    The cells themselves may be cut in other ways on another machine; the centre stays.
    """
    if len(region.outlines[0][0]) == 1:
        longest = max(region.outlines, key=lambda ends: ends[1][0] - ends[0][0])
        return polygons.centre(longest)
    area, moments = 0, [0, 0]
    for outline in region.outlines:
        for (a, b), (c, d) in polygons.edges(outline):
            cross = a * d - b * c
            area += 3 * cross
            moments = [moments[0] + (a + c) * cross, moments[1] + (b + d) * cross]
    middle = tuple(moment / area for moment in moments)
    return middle if middle in region else polygons.centre(max(region.cells, key=polygons.measure))


def _chord(outlines, place, axis):
    """How long a line through a place, along an axis, stays inside of the outlines.

    Examples
    --------
    >>> triangle = [[[0, 0], [1, 0], [0, 1]]]
    >>> _chord(triangle, [0.25, 0.25], axis=0), _chord(triangle, [0.25, 0.5], axis=0)
    (0.75, 0.5)
    """
    if len(place) == 1:
        return max(high - low for (low,), (high,) in outlines)
    other, crossings = 1 - axis, []
    for outline in outlines:
        for a, b in polygons.edges(outline):
            if (a[other] <= place[other]) != (b[other] <= place[other]):
                share = (place[other] - a[other]) / (b[other] - a[other])
                crossings.append(a[axis] + share * (b[axis] - a[axis]))
    before = max((x for x in crossings if x <= place[axis]), default=place[axis])
    after = min((x for x in crossings if x > place[axis]), default=place[axis])
    return after - before


def _point(found, widths):
    """Where the widths lie, and the regions (counted from one) that hold them."""
    ends = list(found.ranges.values())
    exponents = found.architecture.complete(read_widths(found.architecture, widths))
    at = [exponents[name] for name in found.ranges]
    if not all(low <= x <= high for x, (low, high) in zip(at, ends, strict=True)):
        return {"at": None, "regions": []}
    inside = found.at(*at)
    return {
        "at": _place(at, ends),
        "regions": [i for i, region in enumerate(found.regions, 1) if region in inside],
    }


def _place(corner, ends):
    return [_share(x, end) for x, end in zip(corner, ends, strict=True)]


def _share(x, end):
    """Where x lies between the ends, from zero to one."""
    low, high = end
    return round(float((x - low) / (high - low)), 6)
