"""How many threads of the processor a computation takes."""

from contextlib import contextmanager

import torch


@contextmanager
def one_thread():
    """Compute on one thread of the processor.

    At the sizes of a live cell a second thread gains nothing on an idle machine, and on a
    busy one the two wait for each other.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
