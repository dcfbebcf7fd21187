"""News of this app, sent after commit; answered in `receivers.py` here and in later apps.

deployment_moved(deployment_id, came_from, to)     a deployment was asked for (came_from is "") or changed its state
environment_changed(environment_id)                a gate of it was changed: what waits may go now, or not any more
health_moved(move_id)                              a live environment became good or bad (a HealthMove was written)
"""

from django.dispatch import Signal

deployment_moved = Signal()
environment_changed = Signal()
health_moved = Signal()
