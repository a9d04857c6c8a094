"""One verb a file; the only place where stages meet."""
