"""An OCI image layout on disk (image-spec, image-layout.md).

index  entries by name                              pure
pull   reads artifacts                              files
push   writes artifacts, their tag last             files
disk   files and names that a loss of power leaves  files
"""
