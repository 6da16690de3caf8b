"""ADMIT: a pod in, a patch out.

    app ─▶ review ─▶ admit ─▶ inject ─────────────────────────▶ patch ─▶ review ─▶ app
                                │  contract   what the pod asks for
                                │  resolve    which source its model's name means  (catalog, settings)
                                │  targets    which containers get it
                                │  mounts     whether the path is free there
                                │  status     the plan, and later the record of it
                                └▶ volumes, containers, tolerations: builders that add what is missing

server/     worker (the event loop), app and probes (HTTP), serving, and tls (reads the certificate)
injection/  inject, the story, and its decisions
workloads/  propagate, which copies label and annotations to templates, and advice on labels that do nothing
pod/        readers and builders of a pod's parts
manifests/  the same over files, for the verb `inject`: documents, roundtrip and scalars keep YAML as it was

IO is in `server`, `catalog` (reads its directory), `__main__` and `command` (files). The rest is functions from values
to values. Pods stay raw dicts, so that no unknown field is ever lost; all else is parsed once into frozen values.
"""
