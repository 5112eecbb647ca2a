r"""Let docstrings write ``|w|^2`` and ``phi_c_`` as plain text, as a reader of the source wants.

reStructuredText would take bars for substitutions and a final underscore for a link. The
library uses neither.

>>> escape("energy |w|^2 of w_, not ``|x|``")
'energy \\|w\\|^2 of w\\_, not ``|x|``'
"""

import re

LITERAL = re.compile(r"(``.*?``|`[^`]*`_?)")
ACTIVE = re.compile(r"(\||(?<=\w)_(?!\w))")


def escape(line):
    """Escape the active characters of a line, except in literals."""
    parts = LITERAL.split(line)
    parts[::2] = [ACTIVE.sub(r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def escape_docstring(app, what, name, obj, options, lines):
    """Escape a docstring in place, but for its doctests and what they print."""
    in_doctest = False
    for place, line in enumerate(lines):
        in_doctest = bool(line.strip()) and (in_doctest or line.lstrip().startswith(">>>"))
        if not in_doctest:
            lines[place] = escape(line)


def leave_out_fields(app, what, name, obj, skip, options):
    """Leave out the fields of named tuples, which their class describes."""
    return True if (obj.__doc__ or "").startswith("Alias for field number") else None


def setup(app):
    """Register with Sphinx, after napoleon has read the sections."""
    app.connect("autodoc-process-docstring", escape_docstring, priority=900)
    app.connect("autodoc-skip-member", leave_out_fields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
