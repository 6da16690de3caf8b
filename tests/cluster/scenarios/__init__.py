"""What operators and users live through, played on a real cluster, installed from the shipped manifests."""
