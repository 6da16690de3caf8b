"""What a pod gets beside a model's files, and what it is told.

pull        the story: a Hugging Face cache around the model, adapters beside it
hub_cache   a cache in which `--model ORGANISATION/NAME` loads offline
adapters    LoRA adapters, with a config for this pod's base model
opening     the first line of the pod's log
read_ahead  asks the kernel to read a model that stands already
termination  a container's closing message for `kubectl describe pod`
hints       what to do about a failure where nobody has a terminal
"""
