"""The Transformer: `model` and its phases in `train` and `decode`, each with a reference."""

from workloads.transformer.phases import build

__all__ = ["build"]
