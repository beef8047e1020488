"""Arrays in, frozen dataclasses out; warnings travel with the numbers. Knows no database."""
