-- +goose Up
-- Work that must outlast the process: a row in the transaction that causes it, taken from here into a pool (app/jobs). A
-- job that is done is no row any more.
CREATE TABLE jobs (
  id         TEXT    PRIMARY KEY,                   -- UUID, version 7
  kind       TEXT    NOT NULL,                      -- verify-mail, reset-mail …: db/jobs.go names them
  subject_id INTEGER,                               -- what it is about; of which table, the kind says
  payload    TEXT    NOT NULL DEFAULT '{}',         -- JSON, of the kind
  state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dead')),  -- dead: tried often enough
  run_at     INTEGER NOT NULL,                      -- when it is due; while it is claimed, when the claim ends
  claimed_until INTEGER,                            -- whoever claimed it is thought to be alive until then; NULL: nobody
  attempts   INTEGER NOT NULL DEFAULT 0,            -- claims so far. Each claim has its own number, which proves whose it is
  last_error TEXT    NOT NULL DEFAULT '',
  expires_at INTEGER,                               -- when nobody wants it any more and the row goes; NULL: never
  created_at INTEGER NOT NULL
);
CREATE INDEX jobs_due ON jobs (kind, run_at) WHERE state = 'waiting';
CREATE INDEX jobs_dead ON jobs (run_at DESC, id DESC) WHERE state = 'dead';
CREATE INDEX jobs_subject ON jobs (subject_id, kind) WHERE subject_id IS NOT NULL;
CREATE INDEX jobs_expiry ON jobs (expires_at) WHERE expires_at IS NOT NULL;

-- What a letter's link proves. Each letter's secret stands in that letter alone; here is its hash. One a member and
-- purpose: a newer letter's takes the place of the older one's.
CREATE TABLE mail_tokens (
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  purpose    TEXT    NOT NULL CHECK (purpose IN ('verify', 'reset')),
  token_hash BLOB    NOT NULL UNIQUE,
  email_key  TEXT    NOT NULL,                      -- the address that the letter went to: with another one it proves nothing
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (member_id, purpose)
);
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);

ALTER TABLE members ADD COLUMN email_verified_at INTEGER;                   -- somebody who reads its letters said that it is theirs; NULL: nobody
ALTER TABLE members ADD COLUMN mail_off INTEGER NOT NULL DEFAULT 0;         -- 1: no letters but those about the account itself
