"""ADMIT: a pod in, a patch out.

    app ─▶ review ─▶ admit ─▶ inject ─────────────────────────▶ patch ─▶ review ─▶ app
                                │  contract   what the pod asks for
                                │  resolve    which source its model's name means  (catalog, settings)
                                │  previous   the pod without an earlier injection
                                │  plan       all decisions: placement, targets, engines, resources, volumes
                                │  status     what of them is recorded on the pod
                                └▶ additions  what is missing: volumes, puller, containers, tolerations

server/     worker (the event loop), app and probes (HTTP), serving, and tls (reads the certificate)
injection/  inject, the story, its decisions, and the warnings
resolving/  what registries say of references at admission
workloads/  propagate, which copies label and annotations to templates, and advice on labels that do nothing
pod/        readers and builders of a pod's parts, and the table of known sidecars
values/     what users and operators write, parsed
manifests/  the same over files, for the verbs inject, uninject and explain; splice keeps their text as it was

IO is in `server`, `resolving/question` (sockets), `catalog` (reads its directory), `__main__` and `command` (files).
The rest is functions from values to values. Pods stay raw dicts, so that no unknown field is ever lost; all else is
parsed once into frozen values.
"""
