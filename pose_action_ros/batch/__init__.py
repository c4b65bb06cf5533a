"""Many inputs, one after the other here, or side by side on Ray: knows nothing of images.

`items` are the inputs, `task` turns one of them into an output that appears whole or not at all,
`stores` are the file systems that both are on, and `run` maps the task over the items.
"""
