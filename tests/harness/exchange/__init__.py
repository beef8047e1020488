"""Tests of harness.exchange."""
