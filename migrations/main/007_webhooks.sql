-- +goose Up
-- Programs that are told what everybody may read: a job for each webhook and happening, written in the transaction that
-- causes it (db/webhooks.go), and a row for each attempt to deliver it.
CREATE TABLE webhooks (
  id            INTEGER PRIMARY KEY,
  url           TEXT    NOT NULL,
  secret        TEXT    NOT NULL,                  -- what deliveries are signed with, so it stands here as it is
  kinds         TEXT    NOT NULL,                  -- ,post.created,post.removed,
  active        INTEGER NOT NULL DEFAULT 1,
  off_for       TEXT    NOT NULL DEFAULT '',       -- why the forum switched it off; empty: an admin did, or nobody
  failures      INTEGER NOT NULL DEFAULT 0,        -- attempts since the last that went well
  failing_since INTEGER,                           -- the first of them
  paused_until  INTEGER NOT NULL DEFAULT 0,        -- nothing is tried before, because the last ones failed
  created_at    INTEGER NOT NULL
);

CREATE TABLE webhook_deliveries (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook_id INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  delivery   TEXT    NOT NULL,                     -- UUID, the same for all attempts
  event      TEXT    NOT NULL,                     -- post.created …
  payload    TEXT    NOT NULL,                     -- of the job: ids alone
  attempt    INTEGER NOT NULL,
  status     INTEGER NOT NULL DEFAULT 0,           -- of the answer; 0: there was none
  error      TEXT    NOT NULL DEFAULT '',          -- why not, in a word of the code
  duration   INTEGER NOT NULL,                     -- ms
  at         INTEGER NOT NULL
);
CREATE INDEX webhook_deliveries_hook ON webhook_deliveries (webhook_id, id DESC);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (at);
