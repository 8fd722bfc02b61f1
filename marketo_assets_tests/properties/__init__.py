"""What holds for every input, not only for those somebody thought of."""
