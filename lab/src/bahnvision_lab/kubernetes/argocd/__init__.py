"""What Argo CD does with Applications whose manifests are in a Git repository within reach of the lab."""
