"""The demo: films the simulated actor and shows the node's results.

`show` runs camera and node as processes of their own. `camera_node` films what `camera_sources`
has, `observer` subscribes to everything, `accuracy` compares results with the truth, and `report`
leaves film, pictures and figures behind. `view_node` shows any camera on a live page. Needs what
`ros` needs.
"""
