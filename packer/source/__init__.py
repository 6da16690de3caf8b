"""A model folder, looked through and read as it was found.

scan         a folder to the files that will be layers            source_file  one of them, as a value
suspicion    what should not be published             pure        stable_read  bytes of one moment, or an error
"""
