"""Probabilists' Hermite polynomials, in plain arithmetic: the targets of paper eq. 12."""

from math import factorial


def hermite(degree, x):
    r"""Probabilists' Hermite polynomial He_m.

    By the recurrence ``He_{k+1} = x He_k - k He_{k-1}``, whose coefficients are
    integers: on integers or symbols the result is exact.

    Parameters
    ----------
    degree : int
        Degree m, at least 0.
    x : number, numpy.ndarray, torch.Tensor or sympy expression
        Where to evaluate.

    Returns
    -------
    Same type and shape as ``x``.

    Raises
    ------
    ValueError
        If ``degree`` is not an integer of at least 0.

    Examples
    --------
    >>> [hermite(m, 2) for m in range(6)]
    [1, 2, 3, 2, -5, -18]
    """
    if isinstance(degree, bool) or int(degree) != degree or degree < 0:
        raise ValueError(f"degree = {degree!r}: an integer of at least 0 is needed")
    previous, current = 0 * x, 0 * x + 1
    for k in range(int(degree)):
        previous, current = current, x * current - k * previous
    return current


def normalised_hermite(degree, x):
    r"""Hermite polynomial of unit norm, ``He_m(x) / sqrt(m!)``.

    Parameters
    ----------
    degree : int
        Degree m, at least 0.
    x : number, numpy.ndarray or torch.Tensor
        Where to evaluate.

    Returns
    -------
    Same type and shape as ``x``; its square has mean one over ``x ~ N(0, 1)``.

    Raises
    ------
    ValueError
        If ``degree`` is not an integer of at least 0.

    Examples
    --------
    >>> round(normalised_hermite(3, 2.0), 6)
    0.816497
    """
    return hermite(degree, x) / factorial(int(degree)) ** 0.5
