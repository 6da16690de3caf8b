"""An OCI image layout on disk (image-spec, image-layout.md).

index  which entry is meant   pure      pull  artifacts read      push  artifacts written, their tag last
"""
