"""The rehearsal's AWS on one machine. Nothing in plugins/ or roles/ may import this package."""
