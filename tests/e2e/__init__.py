"""The main job on real parts, from a push to the bytes in a volume."""
