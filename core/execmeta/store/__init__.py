"""What is kept: stores of executions behind one protocol."""
