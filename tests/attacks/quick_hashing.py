"""HQ's settings with a hasher that takes a millisecond, for measuring what else takes time."""

from hq_project.settings import *  # noqa: F403

PASSWORD_HASHERS = ["tests.attacks.quick_hashing.QuickArgon2"]


from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402


class QuickArgon2(Argon2PasswordHasher):
    """The same algorithm with the least parameters."""

    time_cost = 1
    memory_cost = 256
    parallelism = 1
