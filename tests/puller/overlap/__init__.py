"""The pull beside the engine's image, as processes."""
