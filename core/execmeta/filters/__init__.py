"""The filter language: text to nodes to a bound filter to meaning."""
