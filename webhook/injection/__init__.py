"""From a labelled pod or workload to what it gets."""
