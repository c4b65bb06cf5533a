"""The simulated actor, which the demo films and the demo weights learn from.

From the bones to the film: `body` moves the joints, `figure` dresses them in solids, `style` and
`motions` know the actions, `sequence` plays one after another, `renderer` ray-casts the solids,
`backdrop` draws what is behind, `optics` is the camera, `scene` puts all of it before the camera.
What it takes are `shots`: `batched` tensors of as many images as you like, on any device.
"""
