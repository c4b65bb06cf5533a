"""The simulated actor, which the demo films. The demo weights are trained on it.

`body` moves the joints and `figure` covers them with solids. `style` and `motions` define the
actions, and `sequence` plays one after another. `renderer` ray-casts the solids, `backdrop` draws
the background, and `optics` is the camera. `scene` combines all of these. Its pictures are
`shots`: `batched` tensors of any number of images, on any device.
"""
