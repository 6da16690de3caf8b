"""Values that users and operators write: keys and annotations of pods, the webhook's settings, keys without effect."""
