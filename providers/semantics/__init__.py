"""What may be done to values without changing what they mean: sampling, reducing, accumulations, true winds."""
