"""Tests of the module that pytest finds."""
