"""Plan → launches → store: the only place where side effects meet."""
