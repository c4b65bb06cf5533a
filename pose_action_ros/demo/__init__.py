"""The demo: films simulated actors and shows the node's results.

`show` runs camera and node as separate processes. `camera_node` films one of the `camera_sources`,
`observer` subscribes to the topics and makes an `observed` frame of each image, `accuracy`
compares people with actors, and `report` writes film, pictures and figures. `view_node` shows any
camera on a live page. The requirements are those of `ros`.
"""
