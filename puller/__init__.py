"""PULL: a reference in, verified files out.

pull         the story: take the place, resolve, plan, keep what is right, fetch, publish
settings     what one pull needs: the webhook writes it, the puller reads it
plan         manifest to files, blobs and pieces                               pure
resume       what an earlier pull left that is still right                     reads files
destination  the model directory, its lock, its one rename                     files
journal      which pieces have landed, under which boot                        files
receipt      what was published                                                pure
fetch        the crew: as many workers as bring more, and who looks after them threads, time
queue        which piece comes next                                            threads
carrier      one worker's errand, through whatever the network does            time
pace         how many connections are worth having                             pure
watchdog     which connection is so slow that a new one would be faster        threads
assembly     a blob on its way to disk, each piece verified as it lands        files
courier      large files brought by a program of their place's own             files
prefix       the one digest of a blob that has none for its pieces             files
flush        when pages leave memory for the disk                              files
filesystem   what a file system is good at                                     files
inspect      what an artifact holds
command      the verbs `pull` and `inspect`
__main__     the initContainer
"""
