"""The models that many model directories share: fetched once, kept by digest, given away by hard links.

cache     the folder of them, and what killed pulls left there
eviction  which of them go when it needs room
warm      a start for which nothing must be fetched
"""
