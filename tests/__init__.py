"""The second manual: what Weighbridge does, one law a test."""
