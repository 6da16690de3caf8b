"""The real programs that tests run against: found or built, started, stopped."""
