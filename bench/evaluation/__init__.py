"""EVALUATION: what KAITO's chart and KServe's table show, reproduced, extended and beside the peers, on one machine.

plan      sizes and repetitions: the full evaluation, or the quick one of CI
model     a model with phi-4's files, scaled down                         writes folders
layouts   images and artifacts in every layout, on every link              needs root
report    sections as JSON, as docs/evaluation.md and as charts            writes files
"""
