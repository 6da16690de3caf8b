"""PACK: a model folder in, a pushed artifact out.

push           the story: scan, send each file while it is hashed, describe them, send the manifest
form           what files become: contents, then documents   pure
modelpack      one form: a ModelPack artifact                pure
category       the kind of layer for a file name             pure
layer_blob     a layer's blob, as a value                    pure
ledger         what was hashed and pushed before             a database in the user's cache
hub            a repository of the hub: judged, then pulled
sign           a signature beside an artifact
signing_key    the keys that sign                            files
cosign_config  the config of what cosign keeps under a tag   pure
command        the verbs `push` and `copy`
errors         what can go wrong

source/        from a folder to the files to pack            files
image/         the other form: an image                      pure
contents/      what is sent: files, and tars of files        files
upload/        one blob to the registry or layout            threads
copying/       an artifact from place to place, as it is     threads
"""
