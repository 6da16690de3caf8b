"""Laws of the manifests and the image."""
