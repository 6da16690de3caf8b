"""Laws of the evaluation."""
