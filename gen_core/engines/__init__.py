"""Engines: where trainings run besides the processes of pytest.

A process of pytest (`asking`) writes the plan's missing blocks as units into a folder (`folder`). The engine's own
process (`__main__`, `dispatch`) sends them to the nodes of a cluster (`on_ray`), which train them (`at_node`). What
comes back is put into the store, where the processes of pytest find it. Claims and verdicts know nothing of it.

Nothing is loaded here: the process with the terminal starts an engine without torch.
"""
