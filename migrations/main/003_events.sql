-- +goose Up
-- What happened, for those who listen: written in the transaction that does it, kept for some days, so that a stream
-- that was away goes on where it was. An id is epoch<<32 | sequence: AUTOINCREMENT never gives one twice, and a restored
-- backup begins a new epoch (db/events.go).
CREATE TABLE events (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  topic      TEXT    NOT NULL,                     -- post:12, channel:3, member:7, access
  kind       TEXT    NOT NULL,
  subject_id INTEGER NOT NULL,                     -- what it is about; of which table, the kind says
  created_at INTEGER NOT NULL
);
CREATE INDEX events_topic ON events (topic, id);
INSERT INTO sqlite_sequence (name, seq) VALUES ('events', 4294967296);
