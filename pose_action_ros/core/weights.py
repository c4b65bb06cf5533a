"""Names of the weights that come with the package."""

from __future__ import annotations

__all__ = ['DEMO_WEIGHTS', 'FINDER_WEIGHTS', 'SHIPPED_WEIGHTS']

SHIPPED_WEIGHTS = 'people'
"""The default: they see real people, and the simulated actor less exactly than `DEMO_WEIGHTS`."""

DEMO_WEIGHTS = 'demo'
"""Those of the demo, which know nothing but the simulated actor."""

FINDER_WEIGHTS = 'finder'
"""Those of the finder, which says where in a whole image people may be."""
