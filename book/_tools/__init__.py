"""Tooling of the book: execute, render, check. `make` alone lists the commands."""
