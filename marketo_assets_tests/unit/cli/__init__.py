"""The command line: what it says, what it refuses and how it ends."""
