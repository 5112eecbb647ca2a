"""A tiny book to plant defects in."""

import shutil

import pytest

from _tools.chapters import ROOT
from _tools.execute import execute

CHAPTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  name: python3
---

(tiny)=
# Tiny

## Derivation

```{code-cell} ipython3
from featlearn.one import ONE
print("digest:", ONE)
```

## Prediction

## Experiment

```{code-cell} ipython3
ONE + 1
```

## Verdict

## Exercises
"""


@pytest.fixture
def tiny(tmp_path):
    """A book of one chapter, `tiny`, and a library of one module, never executed."""
    (tmp_path / "book" / "notebooks").mkdir(parents=True)
    (tmp_path / "book" / "results").mkdir()
    library = tmp_path / "lib" / "featlearn"
    library.mkdir(parents=True)
    (library / "__init__.py").touch()
    (library / "one.py").write_text("ONE = 1\n")
    (tmp_path / "book" / "tiny.md").write_text(CHAPTER)
    (tmp_path / "book" / "page.md").write_text("# A page, not a chapter\n")
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    return tmp_path


@pytest.fixture
def executed(tiny):
    """The tiny book, with its chapter executed."""
    execute(tiny, "tiny")
    return tiny
