"""Action vocabularies: class names in the order of the network's scores.

Sources: NTU RGB+D action list A1 to A60 (Shahroudy et al., CVPR 2016); Penn Action (Zhang et al.,
ICCV 2013), alphabetical as the data set names them; the simulated actor's own list.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = [
    'JHMDB_ACTIONS',
    'JHMDB_IN_PEOPLE',
    'NTU60_ACTIONS',
    'OTHER',
    'PENN_ACTIONS',
    'PEOPLE_ACTIONS',
    'SIMULATED_ACTIONS',
]

SIMULATED_ACTIONS = (
    *('stand', 'walk', 'run', 'jump', 'squat', 'sit down', 'stand up', 'wave', 'clap'),
    *('point', 'pick up', 'kick', 'punch', 'bow', 'fall'),
)

OTHER = 'other'
"""The class of all unnamed actions."""

PEOPLE_ACTIONS = (
    *SIMULATED_ACTIONS,
    *('throw', 'catch', 'push', 'climb stairs', OTHER),
)
"""Actions of the shipped weights: the simulated ones, some of real films, and `other`."""

PENN_ACTIONS = (
    *('baseball_pitch', 'baseball_swing', 'bench_press', 'bowl', 'clean_and_jerk', 'golf_swing'),
    *('jump_rope', 'jumping_jacks', 'pullup', 'pushup', 'situp', 'squat', 'strum_guitar'),
    *('tennis_forehand', 'tennis_serve'),
)

JHMDB_ACTIONS = (
    *('brush hair', 'catch', 'clap', 'climb stairs', 'golf', 'jump', 'kick ball', 'pick', 'pour'),
    *('pullup', 'push', 'run', 'shoot ball', 'shoot bow', 'shoot gun', 'sit', 'stand'),
    *('swing baseball', 'throw', 'walk', 'wave'),
)

JHMDB_IN_PEOPLE = MappingProxyType(
    {'stand': 'stand up', 'sit': 'sit down', 'pick': 'pick up', 'kick ball': 'kick'}
)
"""Classes of J-HMDB that have another name in `PEOPLE_ACTIONS`."""

NTU60_ACTIONS = (
    *('drink water', 'eat meal/snack', 'brushing teeth', 'brushing hair', 'drop', 'pickup'),
    *('throw', 'sitting down', 'standing up', 'clapping', 'reading', 'writing'),
    *('tear up paper', 'wear jacket', 'take off jacket', 'wear a shoe', 'take off a shoe'),
    *('wear on glasses', 'take off glasses', 'put on a hat/cap', 'take off a hat/cap'),
    *('cheer up', 'hand waving', 'kicking something'),
    'put something inside pocket / take out something from pocket',
    *('hopping', 'jump up', 'make a phone call', 'playing with phone/tablet'),
    *('typing on a keyboard', 'pointing to something with finger', 'taking a selfie'),
    *('check time', 'rub two hands together', 'nod head/bow', 'shake head', 'wipe face'),
    *('salute', 'put the palms together', 'cross hands in front', 'sneeze/cough', 'staggering'),
    *('falling', 'touch head', 'touch chest', 'touch back', 'touch neck'),
    *('nausea or vomiting', 'use a fan', 'punching/slapping other person'),
    *('kicking other person', 'pushing other person', 'pat on back'),
    *('point finger at the other person', 'hugging', 'giving something to other person'),
    *("touch other person's pocket", 'handshaking', 'walking towards each other'),
    'walking apart from each other',
)
