"""What the benchmark of fan-out is made of."""
