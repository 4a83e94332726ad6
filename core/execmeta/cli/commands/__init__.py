"""One command per file; each is imported when it is called."""
