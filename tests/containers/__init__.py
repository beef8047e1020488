"""Tests of the engines and images, against a real Docker engine."""
