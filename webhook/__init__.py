"""ADMIT: a pod in, a patch out.

    app ─▶ review ─▶ admit ─▶ inject ─────────────────────────▶ patch ─▶ review ─▶ app
                                │  contract   what the pod asks for
                                │  resolve    which source its model's name means  (catalog, settings)
                                │  targets    which containers get it
                                │  mounts     whether the path is free there
                                │  status     the plan, and later the record of it
                                └▶ volumes, containers, tolerations: builders that add what is missing

`workloads` copies label and annotations from a workload to its template. The `inject` verb runs the very
same functions over files: command ─▶ documents ─▶ manifests ─▶ inject, with `roundtrip` and `scalars` to
keep YAML as it was and `configuration` for the operator's ConfigMaps.

IO is in `app` (HTTP), `catalog` (reads its directory), `tls` (reads the certificate), `serving` and
`__main__` (the server), `command` (files). The rest is functions from values to values. Pods stay raw
dicts, so that no field that we do not know is ever lost; all else is parsed once into frozen values.
"""
