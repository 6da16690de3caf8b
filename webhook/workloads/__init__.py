"""Workloads: their label and annotations are copied to the templates of their pods.

propagate  the story of one workload
change     one request about a workload
templates  where kinds have their templates
selector   what a selector pins of the template
copies     the record of what the webhook copied
written    what users wrote into a template themselves
reconcile  one template: keys copied, copies taken out
deadline   whether a Deployment waits long enough       pure
advice     a label where it does nothing
"""
