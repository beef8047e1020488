"""The host side: plans launches, runs them, keeps every sample, and judges. Never imports JAX."""

__version__ = "0.1.0"
