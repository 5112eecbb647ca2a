"""Exact numbers at finite size: polynomials, Gaussian integrals, kernels, alignment, one neuron's law.

Modules: ``hermite``, ``gaussian``, ``kernels``, ``alignment``, ``neuron_law``.
They need numpy and scipy; ``hermite`` and ``alignment`` use plain arithmetic
and also run on tensors that carry gradients.
"""
