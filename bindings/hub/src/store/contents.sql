-- Contents by each hash that an attachment has named them by. A short one is in its row, any other a file. One that is in
-- its row stays there, however long it is.
ALTER TABLE attachment RENAME TO attachment_in_rows;

CREATE TABLE attachment (
    sha2    TEXT PRIMARY KEY, -- in lower case
    octets  INTEGER NOT NULL,
    content BLOB,
    sha256  TEXT,             -- in lower case, the name of the file
    CHECK ((content IS NULL) <> (sha256 IS NULL))
) STRICT;

CREATE INDEX attachment_file ON attachment (sha256) WHERE sha256 IS NOT NULL;

INSERT INTO attachment (sha2, octets, content) SELECT sha2, length(content), content FROM attachment_in_rows;
DROP TABLE attachment_in_rows;
