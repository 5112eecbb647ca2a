"""Which code computes a result: hashes of the modules that its ``run_point`` reaches.

Found in the source text alone, nothing is imported or run. Of the module that defines
``run_point`` only the statements count that it reaches by name, so that another grid or
another title leaves finished runs valid. What these import of featlearn counts as whole
modules, and so does what those import; for a script of one's own, modules in its folder count
as well. Comments, docstrings and layout do not count.
"""

import ast
import hashlib
import inspect
import json
from pathlib import Path

PACKAGE = "featlearn"
ROOT = Path(__file__).parents[2]  # the folder that holds the package
PLOTTING = f"{PACKAGE}.plotting"  # shows numbers and computes none


def place(run_point):
    """Where a function is defined.

    Parameters
    ----------
    run_point : function
        At the top of a module.

    Returns
    -------
    module, function, file : str
        A script of one's own has the name of its file, however it is started.

    Raises
    ------
    ValueError
        If it is not a function at the top of a file.
    """
    name = getattr(run_point, "__qualname__", "<none>")
    if not inspect.isfunction(run_point) or not name.isidentifier():
        raise ValueError(f"run_point = {run_point!r}: a function at the top of a module is needed")
    file = Path(inspect.getsourcefile(inspect.unwrap(run_point)) or "")
    if not file.is_file():
        raise ValueError(f"run_point = {run_point!r}: a function in a file is needed")
    ours = _file(run_point.__module__)
    return run_point.__module__ if ours else file.stem, name, str(file.absolute())


def modules_at(module, function, file):
    """Hash the modules that compute what a function returns.

    Parameters
    ----------
    module, function, file : str
        From :func:`place`.

    Returns
    -------
    dict
        Name of a module to the first 16 hexadecimal digits of its SHA-256.
    """
    statements = _reached(_parse(file), function)
    if not statements:
        raise ValueError(f"function = {function!r}: {module} does not define it")
    beside = None if _file(module) else Path(file).parent
    found = {module: _digest(_text(statements))}
    waiting = [name for node in statements for name in _imports(node, module, beside)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            source = _file(name, beside)
            tree = _parse(source)
            found[name] = _digest(_text(tree.body))
            is_package = source.name == "__init__.py"
            waiting += _imports(tree, f"{name}.__init__" if is_package else name, beside)
    return dict(sorted(found.items()))


def hash_of(modules):
    """One hash of them all, 16 hexadecimal digits."""
    return _digest(json.dumps(modules, sort_keys=True))


def attributes(module, function, file):
    """What a stored result says of its code: its ``code_hash``, and what that is made of."""
    modules = modules_at(module, function, file)
    return {
        "code_hash": hash_of(modules),
        "code_modules": json.dumps(modules, sort_keys=True),
        "code_entry": f"{module}:{function}",
    }


def hashes(attributes):
    """Hashes of the code that computed a result, and of code that was found to compute the same.

    Parameters
    ----------
    attributes : mapping
        Of a stored result.

    Returns
    -------
    list of str
    """
    return [attributes["code_hash"], *(entry["code_hash"] for entry in _found_same(attributes))]


def confirmed(attributes, **entry):
    """The attribute that lists code found to compute the same as what computed a result.

    Parameters
    ----------
    attributes : mapping
        Of a stored result.
    **entry
        One more: its ``code_hash``, ``code_modules`` and ``code_entry``, the ``commit`` that
        holds it, and the hashes of the configurations of the ``points`` that came out the same.

    Returns
    -------
    dict
        ``confirmed``, which begins with the code that computed the result; empty if that is
        all there is.
    """
    first = {key: attributes[key] for key in ("code_hash", "code_modules", "code_entry", "commit")}
    found = _found_same(attributes) or [first]
    found += [entry] if entry else []
    return {"confirmed": json.dumps(found, sort_keys=True)} if len(found) > 1 else {}


def points_confirmed(attributes, of=None):
    """How many points of a result today's code was found to compute the same.

    Parameters
    ----------
    attributes, of
        As for :func:`state`.

    Returns
    -------
    int
        0 for the code that computed it, and for code that was not looked at.
    """
    found = {e["code_hash"]: e["points"] for e in _found_same(attributes) if "points" in e}
    if not found or state(attributes, of) != "current":
        return 0
    return len(found.get(hash_of(modules_at(*_place(attributes, of))), ()))


def _place(attributes, of):
    if of is not None:
        return of
    name, function = _latest(attributes)["code_entry"].split(":")
    return name, function, _file(name)


def _latest(attributes):
    return [attributes, *_found_same(attributes)][-1]


def _found_same(attributes):
    return json.loads(attributes.get("confirmed", "[]"))


def state(attributes, of=None):
    """Compare the code that computed a result with today's.

    Parameters
    ----------
    attributes : mapping
        Of a stored result.
    of : tuple of str, optional
        The :func:`place` of its ``run_point``; that of the attributes, if it is of
        featlearn, by default.

    Returns
    -------
    str
        ``"current"``, also of code that :mod:`~featlearn.experiments.confirm` found to compute
        the same; ``"unknown code"`` if the result does not say, or its code is not to
        be found; or ``"changed: "`` with the names of the modules that were changed, added
        or dropped.
    """
    if "code_hash" not in attributes:
        return "unknown code"
    of = _place(attributes, of)
    if of[2] is None:
        return "unknown code"
    try:
        now = modules_at(*of)
    except ValueError:  # the function is gone
        return f"changed: {of[0]}"
    if hash_of(now) in hashes(attributes):
        return "current"
    then = json.loads(_latest(attributes)["code_modules"])
    differ = sorted(key for key in then | now if then.get(key) != now.get(key))
    return f"changed: {', '.join(differ)}"


def _parse(file):
    """Syntax tree without docstrings."""
    tree = ast.parse(Path(file).read_text("utf8"))
    for node in ast.walk(tree):
        documented = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return tree


def _reached(tree, function):
    """Statements at the top that a function needs, itself included, in their order.

    What binds no name (a call, a condition) may change what others bind, and counts too.
    """
    binders, always = {}, []
    for node in tree.body:
        names = _bound(node)
        for name in names:
            binders.setdefault(name, []).append(node)
        if not names and not _is_main_guard(node):
            always.append(node)
    if function not in binders:
        return []
    reached, waiting = {}, [*binders[function], *always]
    while waiting:
        node = waiting.pop()
        if id(node) not in reached:
            reached[id(node)] = node
            used = (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
            waiting += [binder for name in used for binder in binders.get(name, ())]
    # Of `from . import store, two_layer` the first counts no more than if it stood elsewhere.
    used = {n.id for node in reached.values() for n in ast.walk(node) if isinstance(n, ast.Name)}
    return [_only(node, used) for node in tree.body if id(node) in reached]


def _only(node, used):
    if isinstance(node, ast.Import | ast.ImportFrom):
        node.names = [a for a in node.names if _local_name(a) in used or a.name == "*"]
    return node


def _local_name(alias):
    return alias.asname or alias.name.split(".")[0]


def _bound(node):
    """Names that a statement at the top binds, if that is all that it does."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom) and all(a.name != "*" for a in node.names):
        return [_local_name(alias) for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    return []


def _is_main_guard(node):
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def _imports(node, module, beside):
    """Modules of ours that a piece of code imports, docstring-only packages aside."""
    package = module.split(".")[:-1]
    for found in ast.walk(node):
        if isinstance(found, ast.Import):
            names = [alias.name for alias in found.names]
        elif isinstance(found, ast.ImportFrom):
            base = package[: len(package) - found.level + 1] if found.level else []
            stem = ".".join([*base, *([found.module] if found.module else [])])
            inner = [f"{stem}.{alias.name}".lstrip(".") for alias in found.names]
            # A name that is not a module is the package's own.
            names = [name if _file(name, beside) else stem or "__init__" for name in inner]
        else:
            continue
        for name in names:
            if name != PLOTTING and _file(name, beside):
                yield name


def _file(module, beside=None):
    """File of a module of ours, or of one in a script's folder; None of any other."""
    parts = module.split(".")
    folder = ROOT if parts[0] == PACKAGE else beside
    if folder is None:
        return None
    path = folder.joinpath(*parts)
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((c for c in candidates if c.is_file()), None)


def _text(statements):
    return "\n".join(ast.dump(node) for node in statements)


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]
