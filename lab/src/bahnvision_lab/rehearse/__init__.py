"""`lab rehearse`: the whole move on this machine, stage by stage, with a record of each."""
