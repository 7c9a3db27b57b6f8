"""Runs Ralph on loopback over a fresh folder: launch.py PERSONALITY FOLDER

Personalities, all of them Ralph's own behaviour over its file system backend:
  append   every write is appended
  stock    as shipped: the first write creates the file, every later one is answered 500
  partial  append, and a batch is stored in part: 200 with an object that reports the refusals

Prints "ready on 127.0.0.1:PORT" once it listens, and ends when its standard input does, so that
it never outlives whoever started it.
"""

import json
import os
import socket
import sys
import threading
from pathlib import Path

import bcrypt
import uvicorn

personality, folder = sys.argv[1], Path(sys.argv[2])
user, password = os.environ["LRS_USER"], os.environ["LRS_PASSWORD"]

store = folder / "store"
store.mkdir()
auth = folder / "auth.json"
auth.write_text(
    json.dumps(
        [
            {
                "username": user,
                "hash": bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode(),
                "scopes": ["all"],
                "agent": {
                    "objectType": "Agent",
                    "account": {"name": user, "homePage": "http://lrs.example/"},
                },
            }
        ]
    )
)
os.environ.update(
    RALPH_APP_DIR=str(folder),
    RALPH_AUTH_FILE=str(auth),
    RALPH_HISTORY_FILE=str(folder / "history.json"),
    RALPH_RUNSERVER_BACKEND="fs",
    RALPH_BACKENDS__LRS__FS__DEFAULT_DIRECTORY_PATH=str(store),
    RALPH_LRS_PARTIAL_SUCCESS_DEFAULT=str(personality == "partial").lower(),
)

# Ralph reads its settings while it is imported.
from ralph.backends.data.base import BaseOperationType  # noqa: E402
from ralph.backends.lrs.fs import FSLRSBackend  # noqa: E402

if personality != "stock":
    FSLRSBackend.default_operation_type = BaseOperationType.APPEND

from ralph.api import app  # noqa: E402


def end_with_stdin():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_stdin, daemon=True).start()
listener = socket.create_server(("127.0.0.1", 0))
print(f"ready on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="info")).run(sockets=[listener])
