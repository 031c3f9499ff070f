"""The product's settings for tests inside this process: another database name, another hasher.

On PostgreSQL statements get a minute, because making and dropping that database takes its time.

What the shell has set for a real installation does not reach the tests. `DATABASE_URL` does: it is
how the same tests run on PostgreSQL.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_var_dir = tempfile.mkdtemp(prefix="hq-tests-")
atexit.register(shutil.rmtree, _var_dir, ignore_errors=True)

_OF_TESTS = ("HQ_FAULTS_", "HQ_WORLDS")
for _name in [*os.environ]:
    if _name.startswith(_OF_TESTS):
        continue
    if _name.startswith("HQ_") or _name in ("PORT", "WORKERS", "REDIS_URL"):
        del os.environ[_name]
os.environ["HQ_DEBUG"] = "1"
os.environ["HQ_VAR_DIR"] = _var_dir

from hq_project.settings import *  # noqa: E402, F403  (everything but what follows)
from hq_project.settings import DATABASES  # noqa: E402

if "sqlite3" in DATABASES["default"]["ENGINE"]:
    # A file, because the database of a test is used by several threads.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(_var_dir) / "test.sqlite3")}
else:
    # DROP DATABASE waits for a checkpoint, longer than any call of the product may.
    DATABASES["default"]["OPTIONS"]["options"] += " -c statement_timeout=60000"
    # A test's own transaction lasts as long as the test.
    DATABASES["default"]["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=0"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
