"""Turns results into what people and scripts read. Decides nothing."""
