"""What a program calls: capture of executions, and their delivery to a store."""
