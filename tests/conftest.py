from __future__ import annotations

from hypothesis import settings

# no deadline: the first example pays for imports, and machines are shared
settings.register_profile("schoolhouse", deadline=None, max_examples=60)
settings.load_profile("schoolhouse")
