"""Workloads: their label and annotations are copied to the templates of their pods.

propagate  the story; templates (where they are), selector (what it pins), copies (what we put there), written (what
           users put there), change (one request)
advice     a label where it does nothing
"""
