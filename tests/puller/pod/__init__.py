"""What a pod gets beside the files of its model."""
