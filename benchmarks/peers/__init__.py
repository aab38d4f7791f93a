"""Servers to compare with, each as its own documentation has it."""
