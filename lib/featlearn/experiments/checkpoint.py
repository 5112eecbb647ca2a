"""The state of a long run on disk: one that is killed goes on, one that is finished can be longer.

A ``run_point`` with an argument ``checkpoint`` is given the sweep's :class:`Checkpoints`. It
names its run by all settings that lead to the same states in the same order, so without the
number of draws; takes up what ``load`` gives, which may be longer than asked for; and saves its
state when that is ``due``, and in the end. States of earlier code stay in the folder until they
are deleted.
"""

import fcntl
import hashlib
import io
from time import monotonic

import torch

from . import store
from .provenance import config_hash

SPENT = "__spent__"  # seconds of all processes up to a state


class Checkpoints:
    """Where the runs of a sweep keep their states.

    Parameters
    ----------
    folder : pathlib.Path
    code_hash : str
        Of the code that runs: a state of other code is not taken up.
    device : {"cpu", "cuda"}
        What computes: random numbers of one kind do not go on on the other.
    """

    def __init__(self, folder, code_hash, device="cpu"):
        self.folder, self.basis = folder, {"code": code_hash}
        if device != "cpu":
            self.basis["device"] = device
        self.opened = {}

    def of(self, settings):
        """The :class:`Checkpoint` of the run with these plain settings.

        Another process that has it is waited for: what that one reached is where we go on.
        """
        name = config_hash(self.basis | {"settings": settings})
        if name not in self.opened:
            self.opened[name] = Checkpoint(self.folder / f"{name}.state")
        return self.opened[name]

    @property
    def spent(self):
        """float: seconds of earlier processes on what was loaded here."""
        return sum(checkpoint.spent for checkpoint in self.opened.values())

    def close(self):
        """Let other processes have the states."""
        for checkpoint in self.opened.values():
            checkpoint.close()
        self.opened = {}


class Checkpoint:
    """One file, replaced as a whole and checked when it is read; ours until it is closed.

    Parameters
    ----------
    path : pathlib.Path
    seconds : float
        Time between two states that are due.
    """

    def __init__(self, path, seconds=300.0):
        self.path, self.seconds = path, seconds
        self.shown = f"{path.parent.name}/{path.name}"
        with store.storing(path.parent):
            self.lock = open(path.with_name(f"{path.name}.lock"), "ab")
        store.lock(self.lock, path.parent, fcntl.LOCK_EX)
        self.began = self.saved = monotonic()
        self.spent = 0.0

    def load(self):
        """The last state that was saved, or None.

        Returns
        -------
        dict
            As it was given to :meth:`save`.

        Raises
        ------
        ResultError
            If the file is corrupt or cannot be read here.
        """
        if not self.path.exists():
            return None
        content = self.path.read_bytes()
        digest, content = content[:64], content[64:]
        if hashlib.sha256(content).hexdigest().encode() != digest:
            raise store.ResultError(
                f"{self.shown}: the state of a run is corrupt; delete it to start that run anew"
            )
        try:
            state = _read(content)
        except Exception as error:  # torch has many
            said = str(error).splitlines()[0]
            raise store.ResultError(
                f"{self.shown}: the state of a run cannot be read ({said}); delete it to start "
                "that run anew"
            ) from error
        self.spent = state.pop(SPENT)
        return state

    @property
    def due(self):
        """bool: whether the last state is older than ``seconds``."""
        return monotonic() - self.saved >= self.seconds

    def save(self, state):
        """Keep a state in the place of the last one.

        Parameters
        ----------
        state : dict
            Of tensors, Python's numbers and text, None, and lists, tuples and dicts of these. A
            view of a tensor is kept with all that it is a view of: clone it.

        Raises
        ------
        ValueError
            If it holds anything else; the last state stays.
        StorageError
        """
        content = io.BytesIO()
        spent = self.spent + monotonic() - self.began
        torch.save(state | {SPENT: spent}, content)
        content = content.getvalue()
        try:
            _read(content)
        except Exception as error:
            kinds = {key: type(value).__name__ for key, value in state.items()}
            raise ValueError(
                f"state = {kinds}: tensors, Python's numbers and text, None, and lists, tuples "
                "and dicts of these are needed"
            ) from error
        for leftover in self.path.parent.glob(f".{self.path.name}.*"):  # of a run that was killed
            leftover.unlink()
        digest = hashlib.sha256(content).hexdigest().encode()
        store.write_bytes(self.path, digest + content)
        self.saved = monotonic()

    def close(self):
        """Let other processes have it."""
        self.lock.close()


def _read(content):
    return torch.load(io.BytesIO(content), weights_only=True)
