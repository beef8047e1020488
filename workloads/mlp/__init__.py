"""A multilayer perceptron that reads handwritten digits, from data to deployment."""

from workloads.mlp.problems import build

__all__ = ["build"]
