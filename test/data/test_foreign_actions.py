"""Score tables of actions that this package has never heard of."""

import math

from pose_action_ros.training.pose_scores import H36mScores
from pose_action_ros.training.score_tables import film_table, h36m_tables


class Films:
    accuracy, recall, films = 0.75, {'come here': 1.0, 'hand over': 0.5}, 4


def test_films_are_listed_by_their_own_names():
    table = film_table(Films(), 'mine')
    assert table.rows == (('come here', '100.0'), ('hand over', '50.0'), ('all 4 films', '75.0'))


def test_poses_of_other_actions_leave_the_papers_columns_empty():
    values = {'come here': 50.0, 'Directions': 40.0}
    scores = H36mScores(values, values, 45.0, 44.0, [45.0], 1, {'come here': 2}, 1)
    rows = {row[0]: row[1:] for row in h36m_tables([scores])[0].rows}
    assert set(rows['ours - SC']) <= {'-', '40.0'}
    assert not math.isnan(scores.mean_mpjpe_mm)
