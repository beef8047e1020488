"""The result database: `writer` is its only writer, `reader` its only reader."""
