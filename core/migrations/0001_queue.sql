-- The queue is a log: statements are appended and never change. What an upstream has been given is told
-- by one number, `upstream.delivered_through`; a statement below it that was not delivered there stands in
-- `aside`. So a delivered batch costs two small writes, whatever its size. A row is deleted when every
-- upstream that it is for is done with it.

CREATE TABLE statement (
    -- Capture order. Given out by the store, never reused (see ledger.last_seq).
    seq          INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL CHECK (length(id) = 16),
    -- 0: its id is in order, greater than every one in order before it, and is found by ids_until.
    -- 1: it is not, and is found by an index. See store/ids.rs.
    loose        INTEGER NOT NULL CHECK (loose IN (0, 1)),
    -- The first eight bytes of the greatest id in order so far, this one included. Never falls.
    ids_until    INTEGER NOT NULL,
    -- Unix milliseconds by the device's clock, which may be wrong.
    recorded_at  INTEGER NOT NULL,
    -- The instant of the statement's own timestamp, unix milliseconds.
    happened_at  INTEGER NOT NULL,
    -- Sum of the bytes of all bodies ever recorded, this one included: sizes without scanning.
    ends_at      INTEGER NOT NULL,
    -- For a timestamp of ours, what the steady clock said then: milliseconds in that boot of the
    -- device. By it the timestamp can be corrected before the first send.
    steady_at    INTEGER,
    boot         INTEGER,
    -- Bits: 1 needs xAPI 2.0.0, 2 the timestamp is ours.
    traits       INTEGER NOT NULL,
    -- The statement that this one voids.
    voids        BLOB,
    -- Upstreams that it is not for, a bit each: 1 << (upstream.id - 1). Fixed when it is recorded.
    not_for      INTEGER NOT NULL DEFAULT 0,
    -- Set only where the app keeps a history, when the last upstream has it; unix milliseconds.
    delivered_at INTEGER,
    -- CRC-32 of what never changes of this row, and of delivered_at where it is set: by it a flipped bit
    -- is told. See store/intact.rs.
    sum          INTEGER NOT NULL,
    -- The frozen bytes, sent as they are.
    body         BLOB    NOT NULL,
    -- Contents of its attachments, in one piece; none for nearly all. Last in the row: who reads what precedes them
    -- reads none of their pages.
    contents     BLOB
) STRICT;

CREATE UNIQUE INDEX statement_loose ON statement (id) WHERE loose = 1;
-- What voids a statement, for when the app gives that up.
CREATE INDEX statement_voiding ON statement (voids) WHERE voids IS NOT NULL;
CREATE INDEX statement_history ON statement (delivered_at) WHERE delivered_at IS NOT NULL;

-- Below, seq comes before upstream in each key: whether a statement stands there for anybody is asked of it
-- alone. Rows go with their statement (store/settle.rs); foreign keys that see to that cost a drain a
-- third more.

-- Statements above `upstream.sent_through` that may have left for that upstream all the same: they were
-- tried while others before them were passed over.
CREATE TABLE sent_ahead (
    seq      INTEGER NOT NULL,
    upstream INTEGER NOT NULL,
    PRIMARY KEY (seq, upstream)
) STRICT, WITHOUT ROWID;

-- Statements that one upstream is done with, though `delivered_through` does not tell, and that another
-- one needs still, or history has.
CREATE TABLE done_with (
    seq       INTEGER NOT NULL,
    upstream  INTEGER NOT NULL,
    -- 1: it is there, and was before others in the log. 0: the app gave it up there.
    delivered INTEGER NOT NULL CHECK (delivered IN (0, 1)),
    PRIMARY KEY (seq, upstream)
) STRICT, WITHOUT ROWID;

-- Ids of statements that were given up at an upstream, by a checksum. See store/queue/given_up_ids.rs.
CREATE TABLE given_up (
    sum      INTEGER NOT NULL,
    upstream INTEGER NOT NULL,
    PRIMARY KEY (sum, upstream)
) STRICT, WITHOUT ROWID;

-- What may be under way at LRSs that an upstream was before, should one of them be an upstream again. By
-- its host and port: it is at work on a statement, whoever of ours had sent it, and by whatever of its names.
CREATE TABLE under_way_elsewhere (
    authority TEXT    PRIMARY KEY,
    -- Unix milliseconds.
    until     INTEGER NOT NULL
) STRICT;

CREATE TABLE aside (
    seq      INTEGER NOT NULL,
    upstream INTEGER NOT NULL,
    -- 0 waiting: comes back by itself. 1 held: waits for the app.
    held     INTEGER NOT NULL CHECK (held IN (0, 1)),
    reason   TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    -- Waiting until this instant, unix milliseconds.
    due      INTEGER,
    -- How often the upstream failed on this statement alone.
    tries    INTEGER NOT NULL DEFAULT 0,
    -- How many of these count towards holding it: refusals by the LRS itself, in the same way, and each
    -- after it had taken others since the one before.
    refusals INTEGER NOT NULL DEFAULT 0,
    -- How often the upstream showed it without the contents of its attachments.
    bare     INTEGER NOT NULL DEFAULT 0,
    -- How many requests the upstream had taken statements of when it last refused this one, and what the
    -- steady clock said then: milliseconds in that boot of the device.
    taken    INTEGER,
    steady   INTEGER,
    boot     INTEGER,
    -- 1: a request with it may have reached the upstream.
    sent     INTEGER NOT NULL DEFAULT 0 CHECK (sent IN (0, 1)),
    -- What the LRS said, and its copy where it has another statement under this id.
    status   INTEGER,
    words    TEXT,
    theirs   BLOB,
    PRIMARY KEY (seq, upstream)
) STRICT, WITHOUT ROWID;

CREATE INDEX aside_waiting ON aside (upstream, reason, due, seq) WHERE held = 0;
CREATE INDEX aside_held ON aside (upstream, seq) WHERE held = 1;

-- What the device has, whatever upstreams there are.
CREATE TABLE ledger (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    -- Which queue this is. See store/numbers.rs.
    queue           BLOB    NOT NULL,
    -- Which one it was before it was found to have gone back, and is another since: what stands beside the file may
    -- be of that still.
    came_from       BLOB,
    -- The same for the files that are saved of it. See store/withdrawn.rs.
    family          BLOB    NOT NULL,
    -- The end of the log as it was when rows were last deleted: seq and ends_at go on from here.
    last_seq        INTEGER NOT NULL DEFAULT 0,
    last_end        INTEGER NOT NULL DEFAULT 0,
    -- How many were noted beside the file as withdrawn. See store/withdrawn.rs.
    withdrawn       INTEGER NOT NULL DEFAULT 0,
    -- Notes from this number on stand beside the file. None before that has been on the disk: then nothing
    -- is missing where it is not there. See store/beside.rs.
    notes_from      INTEGER,
    -- Rows up to here that every upstream is done with have been deleted, unless kept as history.
    purged_through  INTEGER NOT NULL DEFAULT 0,
    -- Statements up to here may have left for an upstream that was removed since.
    left_through    INTEGER NOT NULL DEFAULT 0,
    -- How often an upstream was added, removed, or given another endpoint or route.
    upstream_changes INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO ledger (id, queue, family) VALUES (1, randomblob(16), randomblob(16));

-- What was lost with a damaged or missing file, until the app acknowledges it. See store/loss.rs.
CREATE TABLE loss (
    id         INTEGER PRIMARY KEY,
    noticed_at INTEGER NOT NULL,
    damage     TEXT    NOT NULL,
    -- Where the damaged file is kept.
    kept_at    TEXT,
    saved      INTEGER NOT NULL,
    -- Rows that were met and could not be read.
    unreadable INTEGER NOT NULL,
    -- At least so many statements are lost.
    lost       INTEGER NOT NULL,
    -- 1: how many are lost, or have come back, can no longer be told.
    uncertain  INTEGER NOT NULL CHECK (uncertain IN (0, 1))
) STRICT;

-- Where statements are delivered to. Each has a number, troubles and limits of its own.
CREATE TABLE upstream (
    -- Its bit in statement.not_for: see there.
    id                INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 62),
    name              TEXT    NOT NULL UNIQUE,
    -- Which statements are for it, JSON; none: all. Asked when a statement is recorded. See store/route.rs.
    route             TEXT,
    -- The end of the log when it was added: seq and ends_at. What was recorded up to there is not for it.
    begins_after      INTEGER NOT NULL DEFAULT 0,
    begins_at_end     INTEGER NOT NULL DEFAULT 0,
    -- Places that were given out since and do not count: what was there is not for it, and so many bytes; or
    -- it is lost, or was saved into another place. See store/back.rs.
    excluded          INTEGER NOT NULL DEFAULT 0,
    excluded_bytes    INTEGER NOT NULL DEFAULT 0,
    -- Every statement that is for it is counted where it is, so that
    -- recorded = queued + waiting + held + delivered + retracted + discarded + replaced + erased
    -- can be told without reading the log.
    delivered         INTEGER NOT NULL DEFAULT 0,
    waiting           INTEGER NOT NULL DEFAULT 0,
    held              INTEGER NOT NULL DEFAULT 0,
    retracted         INTEGER NOT NULL DEFAULT 0,
    discarded         INTEGER NOT NULL DEFAULT 0,
    replaced          INTEGER NOT NULL DEFAULT 0,
    erased            INTEGER NOT NULL DEFAULT 0,
    -- The last one that was delivered while others before it were not.
    delivered_to      INTEGER NOT NULL DEFAULT 0,
    -- Bytes that are no longer queued: delivered, set aside or removed.
    settled_bytes     INTEGER NOT NULL DEFAULT 0,
    endpoint          TEXT,
    -- Rises each time the endpoint becomes another one.
    generation        INTEGER NOT NULL DEFAULT 0,
    delivered_through INTEGER NOT NULL DEFAULT 0,
    -- Statements up to here may have left the device for it.
    sent_through      INTEGER NOT NULL DEFAULT 0,
    -- What the upstream is known to be.
    version           TEXT,
    version_at        INTEGER,
    -- 1: its answers carry its version header. 0: they never do.
    signs             INTEGER,
    -- Its version header when it last took statements, and the version that they were sent in.
    speaks            TEXT,
    takes             TEXT,
    max_statements    INTEGER,
    max_bytes         INTEGER,
    max_in_flight     INTEGER,
    -- So many statements at once it failed on; tried again after so many requests that it takes.
    failed_statements INTEGER,
    retry_failed      INTEGER NOT NULL DEFAULT 0,
    taken_since       INTEGER NOT NULL DEFAULT 0,
    -- 1: it answers 409 even to an identical statement.
    refuses_known     INTEGER NOT NULL DEFAULT 0,
    -- The longest that it took, milliseconds; none before it has answered a batch.
    slowest           INTEGER,
    -- Its clock minus ours, milliseconds.
    skew              INTEGER,
    -- Its clock when the steady clock of that boot said 0, and from when on that holds.
    clock_boot        INTEGER,
    clock_at_zero     INTEGER,
    clock_from        INTEGER,
    last_success      INTEGER,
    -- Requests that it took statements of.
    taken             INTEGER NOT NULL DEFAULT 0,
    failures          INTEGER NOT NULL DEFAULT 0,
    -- Requests since a 401 of its own of which it is not known whether it was for one statement.
    asked_since_401   INTEGER,
    -- 1: it has answered a look-up. 0: it has taken statements, and not answered one yet.
    reads             INTEGER,
    -- 1: it has named the statements that it stored.
    names             INTEGER NOT NULL DEFAULT 0,
    -- Statements that it refused alone and took later, less those that it refused for good since.
    acquitted         INTEGER NOT NULL DEFAULT 0,
    -- Look-ups in a row that it gave no answer to, less those that were left out for it.
    looks_unanswered  INTEGER NOT NULL DEFAULT 0,
    -- The same of GET about.
    about_unanswered  INTEGER NOT NULL DEFAULT 0,
    -- Requests with contents of attachments that it took statements of. They are counted among `taken`, too.
    contents_taken     INTEGER NOT NULL DEFAULT 0,
    -- Most bytes of a request with the contents of several statements.
    contents_bytes     INTEGER,
    -- Statements with so many bytes of contents or more are not sent until then, unix milliseconds; none: any, or now.
    contents_limit     INTEGER,
    contents_until     INTEGER,
    -- So often it bore none since it last did, each time after it had taken others; and `taken` the last time.
    contents_failures  INTEGER NOT NULL DEFAULT 0,
    contents_failed_at INTEGER,
    -- Until when nothing is sent, by who asked for it; unix milliseconds.
    wait_backoff         INTEGER,
    wait_retry_after     INTEGER,
    wait_outcome_unknown INTEGER,
    wait_app             INTEGER,
    -- Until when a request whose outcome was not known may have been at work there; unix milliseconds.
    at_work_until        INTEGER,
    -- Requests that have left and whose end is not written down: when the last one left, and the longest
    -- of their time-outs in milliseconds.
    under_way_since      INTEGER,
    under_way_timeout    INTEGER,
    -- What the clocks said when this was written: by that it is seen that the wall clock was set since.
    written_wall         INTEGER,
    written_steady       INTEGER,
    written_boot         INTEGER,
    -- What is the matter.
    problem           TEXT,
    problem_status    INTEGER,
    problem_words     TEXT,
    problem_since     INTEGER,
    -- Who syncs now; unix milliseconds.
    lease_holder      BLOB,
    lease_until       INTEGER
) STRICT;

INSERT INTO upstream (id, name) VALUES (1, 'main');

-- For whoever records: empty where every upstream gets all.
CREATE INDEX upstream_routed ON upstream (id, route) WHERE route IS NOT NULL;

-- Upstreams that were removed, by the bit that they had. It is given to another one when every bit has been
-- given out and nothing is left of what was recorded while this one had it.
CREATE TABLE removed_upstream (
    id        INTEGER PRIMARY KEY,
    -- The end of the log when it was removed.
    ended_at  INTEGER NOT NULL
) STRICT;
