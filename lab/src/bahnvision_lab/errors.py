"""What the lab says when it cannot go on."""


class LabError(Exception):
    """One sentence for the person at the terminal: what failed, on what, what to do."""
