"""The lab's Kubernetes: an API server of its own, and a stand-in for the nodes behind it."""
