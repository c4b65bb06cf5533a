"""The demo: films the simulated actor and shows the node's results.

`show` runs camera and node as separate processes. `camera_node` films one of the `camera_sources`,
`observer` subscribes to everything, `accuracy` compares results with the truth, and `report`
writes film, pictures and figures. `view_node` shows any camera on a live page. The requirements
are those of `ros`.
"""
