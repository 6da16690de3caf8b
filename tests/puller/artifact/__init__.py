"""The forms that other tools write."""
