"""Command line: arguments in, one call, an answer out."""
