"""What a pod gets beside a model's files: `pull` tells the story, of a Hugging Face cache and of LoRA adapters."""
