"""Laws of the benchmark."""
