"""PACK: a model folder in, a pushed artifact out.

push      the story: scan, send each file while it is hashed, describe them, send the manifest
scan      a folder to the files that will be layers           reads the folder
send      one file: read once, hashed, cut and uploaded       reads files
artifact  the sent files to a ModelPack config and manifest   pure
category  what kind of layer a file name makes                pure
command   the verb `push`
"""
