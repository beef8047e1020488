"""Result files of other tools: read into one neutral form, and written from it."""
