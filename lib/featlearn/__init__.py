"""Scaling arguments for feature learning: exact theory, samplers, and measured claims."""

__version__ = "0.1.0"
