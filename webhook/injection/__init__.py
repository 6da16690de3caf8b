"""From a labelled pod or workload to its injection."""
