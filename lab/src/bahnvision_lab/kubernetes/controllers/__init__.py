"""What makes objects come true in a cluster: controllers, scheduler and kubelets. Nothing runs; statuses say so."""
