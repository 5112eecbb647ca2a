"""Exact numbers at finite size: integrals, kernels, alignment, the law of one neuron.

Modules: ``hermite``, ``gaussian``, ``kernels``, ``alignment``, ``neuron_law``.
They need numpy and scipy; ``hermite`` and ``alignment`` use plain arithmetic
and also run on tensors that carry gradients.
"""
