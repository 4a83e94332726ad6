"""Words and rules of the product: pure functions and values, standard library only."""
