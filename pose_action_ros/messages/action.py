"""A person's action to `ActionLabel`, and to the classification messages of vision_msgs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pose_action_ros.messages.stamp import stamp_to_msg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_action_ros.core.predictions import ActionScores, FramePrediction
    from pose_action_ros.messages.maker import MessageMaker

__all__ = ['action_to_msg', 'classification_to_msg', 'label_info_to_msg', 'only_action']


def action_to_msg(
    make: MessageMaker, action: ActionScores | None, track_id: int, header: Any, model: str
) -> Any:
    """Return the ActionLabel of one track; its label is empty until it is valid.

    Args:
        make: Makes messages.
        action: The scores; None if the network knows no actions.
        track_id: The person's track.
        header: Header of the source image.
        model: Name of the network.
    """
    if action is None:
        return make('pose_action_ros/ActionLabel', header=header, track_id=track_id, model=model)
    return make(
        'pose_action_ros/ActionLabel',
        header=header,
        track_id=track_id,
        valid=action.valid,
        label=action.label,
        confidence=float(action.scores[action.best]) if action.valid else 0.0,
        labels=list(action.labels),
        scores=action.scores.tolist(),
        clip_start=stamp_to_msg(make, action.clip_start_ns),
        clip_end=stamp_to_msg(make, action.clip_end_ns),
        frames_used=action.frames_used,
        model=model,
    )


def only_action(prediction: FramePrediction) -> ActionScores | None:
    """Return the valid action of the only tracked person.

    None unless exactly one person is tracked, because a Classification can't name a track.
    """
    if len(prediction.followed_tracks) != 1:
        return None
    actions = [person.action for person in prediction.persons]
    return next((action for action in actions if action is not None and action.valid), None)


def classification_to_msg(make: MessageMaker, action: ActionScores, header: Any) -> Any:
    """Return a Classification: all classes, the most probable first; ids are their numbers."""
    results = [
        make(
            'vision_msgs/ObjectHypothesis', class_id=str(index), score=float(action.scores[index])
        )
        for index in (-action.scores).argsort(kind='stable')
    ]
    return make('vision_msgs/Classification', header=header, results=results)


def label_info_to_msg(make: MessageMaker, labels: Sequence[str]) -> Any:
    """Return the LabelInfo that names the class ids of our classifications."""
    classes = [
        make('vision_msgs/VisionClass', class_id=index, class_name=name)
        for index, name in enumerate(labels)
    ]
    return make('vision_msgs/LabelInfo', class_map=classes, threshold=0.0)
