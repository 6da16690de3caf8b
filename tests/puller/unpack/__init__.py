"""What is behind a codec, or in an archive."""
