"""Documents as JSON: those of the command line's `--format json`, page by page."""
