"""ADMIT: a pod in, a patch out.

    app ─▶ review ─▶ admit ─▶ inject ─────────────────────────▶ patch ─▶ review ─▶ app
                                │  contract   what the pod asks for
                                │  resolve    which source its model's name means  (catalog, settings)
                                │  previous   the pod without an earlier injection
                                │  plan       all decisions: placement, targets, engines, resources, volumes
                                │  status     what of them is recorded on the pod
                                └▶ additions  what is missing: volumes, puller, containers, tolerations

contract       the public contract: every label and annotation
settings       the operator's settings for all pods
catalog        the named models, from a mounted ConfigMap                        files
catalog_entry  one entry of the catalog
request        what one pod asks for
refusals       the reasons for refusing a pod, each with its code
names          our own names in a pod, and the rules for those that users write
quotes         how messages quote what users wrote
warnings       keys in our domain that have no effect
admit          from a review to its answer
review         AdmissionReview, read and written
patch          JSON Patch between two values
command        the verbs `inject`, `uninject` and `explain -f`                   files

server/        HTTP, TLS, and the event loop under them                          sockets, files, threads
injection/     the story of one pod, and its decisions
resolving/     what registries say of references at admission                    sockets, threads
workloads/     label and annotations, copied to the templates of pods
pod/           readers and builders of a pod's parts
values/        what users and operators write, parsed
manifests/     the same over files, whose text stays as it was                   files

The rest is functions from values to values; `__main__` reads files, too. Pods stay raw dicts, so that no unknown field
is ever lost; all else is parsed once into frozen values.
"""
