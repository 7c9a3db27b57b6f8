-- A statement's `stored`, in Unix microseconds, is its key: no two statements have the same one, so it
-- is at once the order of every list, the place a page ends at, and what `since` and `until` compare.
CREATE TABLE statement (
    stored       INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE,
    verb         TEXT    NOT NULL,
    registration BLOB,
    target       BLOB,             -- the id that a StatementRef object names
    voiding      INTEGER NOT NULL, -- whether it voids its target
    voided       INTEGER NOT NULL,
    body         TEXT    NOT NULL
) STRICT;

CREATE INDEX statement_verb ON statement (verb);
CREATE INDEX statement_registration ON statement (registration) WHERE registration IS NOT NULL;
CREATE INDEX statement_target ON statement (target) WHERE target IS NOT NULL;
-- Those that refer to another one, newest last, whatever they refer to.
CREATE INDEX statement_referring ON statement (stored) WHERE target IS NOT NULL;

-- Who and what a statement speaks of. `near` is 1 for what is found without the `related_` parameters.
CREATE TABLE agent (
    identifier TEXT    NOT NULL,
    stored     INTEGER NOT NULL REFERENCES statement,
    near       INTEGER NOT NULL,
    PRIMARY KEY (identifier, stored)
) STRICT, WITHOUT ROWID;

CREATE TABLE activity (
    id     TEXT    NOT NULL,
    stored INTEGER NOT NULL REFERENCES statement,
    near   INTEGER NOT NULL,
    PRIMARY KEY (id, stored)
) STRICT, WITHOUT ROWID;

-- What format=canonical shows: all that was ever said about an activity or a verb, the newest word first.
CREATE TABLE definition (
    activity TEXT PRIMARY KEY,
    json     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE display (
    verb TEXT PRIMARY KEY,
    json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attachment (
    sha2    TEXT PRIMARY KEY, -- in lower case
    content BLOB NOT NULL
) STRICT;
