"""What is demanded of the library and of every tracked text. Checks return complaints."""

import ast
import re
import subprocess

LINES = 400
# Which of our packages each package must not import; "torch" stands for itself.
FORBIDDEN = {
    "scaling": {"theory", "inference", "experiments", "plotting", "torch", "numpy"},
    "theory": {"scaling", "inference", "experiments", "plotting", "torch"},
    "inference": {"scaling", "experiments", "plotting"},
    "experiments": {"plotting"},
    "plotting": {"scaling", "theory", "inference", "experiments"},
}
VAGUE = {"utils", "helpers", "misc", "common"}
# Written in pieces, so that this file does not hold what it forbids.
MACHINE = re.compile("|".join((
    r"/" + r"work/", r"/" + r"root/", r"/home/" + r"\w", r"/Users/" + r"\w",
    r"(py" + r"pi\.org|files\.python" + r"hosted|registry\.npm" + r"js)",
    r"--(extra-)?index" + r"-url", r"--find" + r"-links", r"file:" + r"//")))


def modules_short(root):
    """No module is longer than 400 lines."""
    lengths = {path: len(path.read_text("utf8").splitlines())
               for folder in ("lib", "book/_tools", "book/_ext")
               for path in sorted((root / folder).rglob("*.py"))}
    return [f"{path.relative_to(root)}: {length} lines, {LINES} are allowed"
            for path, length in lengths.items() if length > LINES]


def modules_named(root):
    """No module has a name that says nothing."""
    return [f"{path.relative_to(root)}: name it after what it does"
            for path in sorted((root / "lib").rglob("*.py")) if path.stem in VAGUE]


def imports(path, package):
    """List what a module imports, as absolute dotted names.

    Parameters
    ----------
    path : pathlib.Path
        The module's file.
    package : tuple of str
        The package that holds it, to resolve relative imports.
    """
    for node in ast.walk(ast.parse(path.read_text("utf8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield stem
            # `from featlearn import inference` imports a module by its name.
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def imports_downward(root):
    """Experiments import inference imports theory imports nothing of ours; never upwards."""
    lib = root / "lib"
    complaints = []
    for path in sorted((lib / "featlearn").rglob("*.py")):
        parts = path.relative_to(lib).with_suffix("").parts
        if len(parts) < 2:
            continue
        layer = parts[1]
        for name in sorted(set(imports(path, parts[:-1]))):
            words = name.split(".")
            target = words[1] if words[0] == "featlearn" and len(words) > 1 else words[0]
            if target in FORBIDDEN.get(layer, ()):
                complaints.append(f"{path.relative_to(root)}: {layer} must not import {name}")
    return complaints


def tracked(root):
    """List the text files that git tracks or would track.

    Raises
    ------
    RuntimeError
        If git cannot tell.
    """
    done = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=root, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"git ls-files failed: {done.stderr.strip()}")
    for name in filter(None, done.stdout.split("\0")):
        path = root / name
        if path.is_file() and b"\0" not in path.read_bytes()[:8192]:
            yield path


def no_machine_named(root):
    """No tracked text names a place on a machine or a package index."""
    complaints = []
    for path in tracked(root):
        for number, line in enumerate(path.read_text("utf8", "replace").splitlines(), start=1):
            found = MACHINE.search(line)
            if found:
                complaints.append(f"{path.relative_to(root)}:{number}: {found[0]!r}")
    return complaints


def documented(root):
    """The API page documents each public module of the packages that it covers."""
    page = (root / "book" / "api.md").read_text("utf8")
    covered = set(re.findall(r"automodule:: (\S+)", page))
    lib = root / "lib"
    modules = {".".join(path.relative_to(lib).with_suffix("").parts)
               for folder in ("scaling", "theory", "inference", "experiments")
               for path in (lib / "featlearn" / folder).glob("*.py")
               if not path.stem.startswith("_")}
    return [f"book/api.md: {name} is missing" for name in sorted(modules - covered)]
