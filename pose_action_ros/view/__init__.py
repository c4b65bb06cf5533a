"""The live page: image with skeleton, 3D pose, scores over time, rates and ages, in a browser.

`frame` is what is shown of one image, free of ROS and of the viewer. `live_view` shows it with the
library rerun (extra `view`), which loads only where somebody asks for a page or a recording.
"""
