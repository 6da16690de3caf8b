"""The report: sections as values and JSON (`results`), their `goals`, and the page with its charts.

`page` writes; `columns`, `words`, `chart` and `goals` are pure; `machine` asks programs for their versions.
"""
