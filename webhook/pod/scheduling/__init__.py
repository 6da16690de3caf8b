"""Where a pod may run and would rather: tolerations, affinities, accelerators, and what the autoscaler is told."""
