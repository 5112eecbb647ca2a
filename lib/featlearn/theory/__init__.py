"""Exact numbers at finite size: integrals, kernels, alignment, the law of one neuron, the bound.

All of it needs numpy and scipy; ``hermite`` and ``alignment`` use plain arithmetic
and also run on tensors that carry gradients.
"""
