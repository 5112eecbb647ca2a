"""The state of a long run on disk: one that is killed goes on, one that is finished can be longer.

A ``run_point`` with an argument ``checkpoint`` is given the sweep's :class:`Checkpoints`. It
names its run by the settings that lead to the same states in the same order, so without the
number of draws; takes up what ``load`` gives; and saves its state whenever that is ``due``.
"""

import hashlib
import io
from time import monotonic

import torch

from . import store
from .provenance import config_hash


class Checkpoints:
    """Where the runs of a sweep keep their states.

    Parameters
    ----------
    folder : pathlib.Path
    code_hash : str
        Of the code that runs: a state of other code is not taken up.
    """

    def __init__(self, folder, code_hash):
        self.folder, self.code_hash = folder, code_hash

    def of(self, settings):
        """The :class:`Checkpoint` of the run with these plain settings."""
        name = config_hash({"code": self.code_hash, "settings": settings})
        return Checkpoint(self.folder / f"{name}.state")


class Checkpoint:
    """One file, replaced as a whole and checked when it is read.

    Parameters
    ----------
    path : pathlib.Path
    seconds : float
        Time between two states that are due.
    """

    def __init__(self, path, seconds=300.0):
        self.path, self.seconds = path, seconds
        self.saved = monotonic()

    def load(self):
        """The last state that was saved, or None.

        Returns
        -------
        dict
            As it was given to :meth:`save`.

        Raises
        ------
        ResultError
            If the file is corrupt.
        """
        if not self.path.exists():
            return None
        content = self.path.read_bytes()
        digest, content = content[:64], content[64:]
        if hashlib.sha256(content).hexdigest().encode() != digest:
            raise store.ResultError(
                f"{self.path.name}: the state of a run is corrupt; delete it to start that run anew"
            )
        return torch.load(io.BytesIO(content), weights_only=True)

    @property
    def due(self):
        """bool: whether the last state is older than ``seconds``."""
        return monotonic() - self.saved >= self.seconds

    def save(self, state):
        """Keep a state in the place of the last one.

        Parameters
        ----------
        state : dict
            Of tensors, numbers, text, and dicts of these.

        Raises
        ------
        StorageError
        """
        for leftover in self.path.parent.glob(f".{self.path.name}.*"):  # of a run that was killed
            leftover.unlink()
        content = io.BytesIO()
        torch.save(state, content)
        content = content.getvalue()
        digest = hashlib.sha256(content).hexdigest().encode()
        store.write_bytes(self.path, digest + content)
        self.saved = monotonic()
