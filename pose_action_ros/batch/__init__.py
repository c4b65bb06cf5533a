"""Batches of inputs, one after the other in this process or in parallel on Ray.

Nothing here depends on images. `items` are the inputs. `task` turns one of them into an output
that appears complete or not at all. `stores` are the file systems of both, and `run` maps the task
over the items.
"""
