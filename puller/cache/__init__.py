"""The models that many model directories share: fetched once, kept by digest, given away by hard links.

cache.py      the folder of them, and what killed pulls left there
eviction.py   which of them go when it needs room
warm.py       a start for which nothing must be fetched
"""
