"""Targets that need only the language: what a bound filter means outside a store."""
