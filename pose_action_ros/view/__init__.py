"""The live page: image with skeleton, 3D pose, scores over time, rates and ages, in a browser.

`frame` holds the content for one image, independent of ROS and of the viewer. `live_view` shows it
with the library rerun (extra `view`), which loads only for a page or a recording.
"""
