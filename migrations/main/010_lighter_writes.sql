-- +goose Up
-- A comment writes fewer pages. Each page of a write goes to the disk twice, before and after a checkpoint.

-- Without AUTOINCREMENT, which keeps its last id in a table of its own: the last row is never dropped and says the same.
-- Where nothing has happened yet, and where a restored backup began a new epoch, a row of the kind epoch holds the place.
CREATE TABLE events_kept (
  id         INTEGER PRIMARY KEY,                  -- epoch<<32 | sequence (db/events.go)
  topic      TEXT    NOT NULL,                     -- post:12, channel:3, member:7, access:3; empty: an epoch's
  kind       TEXT    NOT NULL,
  subject_id INTEGER NOT NULL,                     -- what it is about; of which table, the kind says
  created_at INTEGER NOT NULL
);
INSERT INTO events_kept SELECT id, topic, kind, subject_id, created_at FROM events;
INSERT INTO events_kept SELECT seq, '', 'epoch', 0, unixepoch() * 1000 FROM sqlite_sequence
  WHERE name = 'events' AND seq > COALESCE((SELECT MAX(id) FROM events), 0);
DROP TABLE events;
ALTER TABLE events_kept RENAME TO events;
CREATE INDEX events_topic ON events (topic, id);

-- Texts of an older renderer: only these are in an index. A renderer with another markup.Version comes with a migration
-- that makes the five anew for its number.
DROP INDEX posts_version;
DROP INDEX comments_version;
DROP INDEX members_version;
DROP INDEX channels_version;
DROP INDEX tags_version;
CREATE INDEX posts_outdated    ON posts    (html_version, id)  WHERE html_version  < 1;
CREATE INDEX comments_outdated ON comments (html_version, id)  WHERE html_version  < 1;
CREATE INDEX members_outdated  ON members  (bio_version, id)   WHERE bio_version   < 1 AND bio_html   <> '';
CREATE INDEX channels_outdated ON channels (rules_version, id) WHERE rules_version < 1 AND rules_html <> '';
CREATE INDEX tags_outdated     ON tags     (about_version, id) WHERE about_version < 1 AND about_html <> '';

-- In the order of their ids keys grow old: no index of their age is needed.
CREATE TABLE keys_kept (
  id         INTEGER PRIMARY KEY,
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  key        TEXT    NOT NULL,
  kind       TEXT    NOT NULL,
  subject_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (member_id, key)
);
INSERT INTO keys_kept (member_id, key, kind, subject_id, created_at)
  SELECT member_id, key, kind, subject_id, created_at FROM idempotency_keys ORDER BY created_at;
DROP TABLE idempotency_keys;
ALTER TABLE keys_kept RENAME TO idempotency_keys;
