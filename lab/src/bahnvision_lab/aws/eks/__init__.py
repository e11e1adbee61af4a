"""EKS: what AWS keeps on clusters and refuses of them, and a Kubernetes API behind every one."""
