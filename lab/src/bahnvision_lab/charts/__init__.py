"""A Helm repository on loopback: small charts of ours under the names and versions of the real ones."""
