"""What an artifact, a repository or a folder holds, without writing anything."""
