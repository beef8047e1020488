"""NVIDIA's management library without a GPU."""
