# Jazzy, this package and the environment of `make setup`. Not built by its authors yet.
#
#   docker build -t pose_action_ros . && docker run --rm -it pose_action_ros
#
# With a GPU: docker build --build-arg TORCH=cuda ..., docker run --gpus all ...
FROM ros:jazzy-ros-base

ARG TORCH=cpu
RUN apt-get update && apt-get install -y --no-install-recommends \
      g++ git python3-dev python3-opencv python3-venv make \
      ros-jazzy-cv-bridge ros-jazzy-tf2-ros-py ros-jazzy-vision-msgs \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /ws/src/pose_action_ros
COPY . .
SHELL ["/bin/bash", "-c"]
RUN source /opt/ros/jazzy/setup.bash && make setup TORCH=${TORCH}
CMD ["bash", "-c", "source /opt/ros/jazzy/setup.bash && make demo"]
