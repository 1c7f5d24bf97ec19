-- +goose Up
-- What lets people govern a place: who may read and write where, what waits for a moderator, and what was decided.

-- Channels. The column had one value only; it is made again because its CHECK said so.
ALTER TABLE channels DROP COLUMN visibility;
ALTER TABLE channels ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'restricted', 'private'));
ALTER TABLE channels ADD COLUMN slow_seconds INTEGER NOT NULL DEFAULT 0;   -- between two posts or comments of one member; 0: none
ALTER TABLE channels ADD COLUMN archived_at INTEGER;                       -- read only since
ALTER TABLE channels ADD COLUMN deleted_at INTEGER;                        -- gone for everybody; an admin can bring it back

-- The channels that are not for everybody. A listing of all channels leaves out what stands in those of them that its
-- reader may not read, by the indexes alone: they hold the channel for it.
CREATE INDEX channels_shut ON channels (id) WHERE visibility = 'private' OR deleted_at IS NOT NULL;
DROP INDEX posts_active;
DROP INDEX posts_new;
DROP INDEX posts_top;
CREATE INDEX posts_active ON posts (active_at DESC, id DESC, channel_id) WHERE deleted_at IS NULL;
CREATE INDEX posts_new ON posts (created_at DESC, id DESC, channel_id) WHERE deleted_at IS NULL;
CREATE INDEX posts_top ON posts (age_class, score DESC, id DESC, channel_id) WHERE deleted_at IS NULL;

CREATE INDEX channels_deleted ON channels (deleted_at DESC, id DESC) WHERE deleted_at IS NOT NULL;

CREATE TABLE channel_requests (                    -- who asks to be let into a restricted channel
  channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  note       TEXT    NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  PRIMARY KEY (channel_id, member_id)
);
CREATE INDEX channel_requests_wait ON channel_requests (channel_id, created_at, member_id);
CREATE INDEX channel_requests_member ON channel_requests (member_id, channel_id);

CREATE TABLE channel_invitations (                 -- whom a channel's moderator asked in; the member has not answered yet
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
  invited_by INTEGER REFERENCES members (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (member_id, channel_id)
);
CREATE INDEX channel_invitations_new ON channel_invitations (member_id, created_at DESC, channel_id);
CREATE INDEX channel_invitations_channel ON channel_invitations (channel_id, created_at, member_id);
CREATE INDEX channel_invitations_by ON channel_invitations (invited_by) WHERE invited_by IS NOT NULL;

-- Accounts.
ALTER TABLE members ADD COLUMN skeleton TEXT;                               -- of the handle, see db/names.go; NULL: not worked out yet
ALTER TABLE members ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';          -- IANA name; empty: UTC
ALTER TABLE members ADD COLUMN state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'pending'));  -- pending: waits for approval
ALTER TABLE members ADD COLUMN answer TEXT NOT NULL DEFAULT '';             -- to the question at registration
ALTER TABLE members ADD COLUMN invite_id INTEGER;                           -- the invite that they came by
ALTER TABLE members ADD COLUMN address TEXT NOT NULL DEFAULT '';            -- that they registered from, forgotten after 30 days
ALTER TABLE members ADD COLUMN totp_secret BLOB;                            -- NULL: no second factor
ALTER TABLE members ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;        -- the last time step used: a code works once
ALTER TABLE members ADD COLUMN trust INTEGER NOT NULL DEFAULT 0 CHECK (trust BETWEEN 0 AND 3);
ALTER TABLE members ADD COLUMN trust_locked INTEGER NOT NULL DEFAULT 0;        -- staff set it: nobody works it out
ALTER TABLE members ADD COLUMN trust_due INTEGER;                           -- since when it waits to be worked out
ALTER TABLE members ADD COLUMN days_visited INTEGER NOT NULL DEFAULT 0;     -- days (UTC) on which they were here
ALTER TABLE members ADD COLUMN suspended_until INTEGER;                     -- reads, and may not write
ALTER TABLE members ADD COLUMN banned_until INTEGER;                        -- cannot sign in
ALTER TABLE members ADD COLUMN barred_for TEXT NOT NULL DEFAULT '';         -- why, as the member is told
ALTER TABLE members ADD COLUMN hold_writes INTEGER NOT NULL DEFAULT 0;      -- how many of the next posts and comments wait for a moderator
ALTER TABLE members ADD COLUMN erase TEXT NOT NULL DEFAULT '' CHECK (erase IN ('', 'traces', 'texts'));  -- of a deleted member: what is still to go
CREATE INDEX members_erase ON members (id) WHERE erase <> '';
CREATE UNIQUE INDEX members_skeleton ON members (skeleton) WHERE skeleton IS NOT NULL;
CREATE INDEX members_no_skeleton ON members (id) WHERE skeleton IS NULL;
CREATE INDEX members_pending ON members (created_at, id) WHERE state = 'pending';
CREATE INDEX members_new ON members (created_at DESC, id DESC);
CREATE INDEX members_invite ON members (invite_id) WHERE invite_id IS NOT NULL;
CREATE INDEX members_address ON members (created_at) WHERE address <> '';
CREATE INDEX members_trust ON members (trust_due, id) WHERE trust_due IS NOT NULL;
-- Who was here before there were levels keeps what they could do.
UPDATE members SET trust = CASE WHEN role <> 'member' THEN 3 WHEN origin IN ('command', 'demo') OR post_count + comment_count >= 20 THEN 2
  WHEN origin = 'import' OR post_count + comment_count > 0 THEN 1 ELSE 0 END;

ALTER TABLE sessions ADD COLUMN proved_at INTEGER NOT NULL DEFAULT 0;       -- when the password was last given

-- A member's reactions are exported in the order of an index.
DROP INDEX post_reactions_member;
CREATE INDEX post_reactions_member ON post_reactions (member_id, post_id);
DROP INDEX comment_reactions_member;
CREATE INDEX comment_reactions_member ON comment_reactions (member_id, post_id, comment_id);

CREATE TABLE recovery_codes (
  member_id INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  code_hash BLOB    NOT NULL,                      -- SHA-256 of 80 random bits
  PRIMARY KEY (member_id, code_hash)
);

CREATE TABLE old_handles (                         -- what a member was called: links and mentions keep working, nobody else takes it
  handle_key TEXT    NOT NULL PRIMARY KEY,
  skeleton   TEXT    NOT NULL,
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  left_at    INTEGER NOT NULL
);
CREATE INDEX old_handles_member ON old_handles (member_id, left_at DESC);
CREATE INDEX old_handles_skeleton ON old_handles (skeleton);

CREATE TABLE invites (
  id         INTEGER PRIMARY KEY,
  token_hash BLOB    NOT NULL UNIQUE,
  made_by    INTEGER REFERENCES members (id) ON DELETE SET NULL,
  note       TEXT    NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  max_uses   INTEGER NOT NULL,
  uses       INTEGER NOT NULL DEFAULT 0,
  ended_at   INTEGER
);
CREATE INDEX invites_maker ON invites (made_by, created_at DESC, id DESC);

CREATE TABLE blocks (
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  other_id   INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  kind       TEXT    NOT NULL CHECK (kind IN ('mute', 'block')),   -- a block mutes too
  created_at INTEGER NOT NULL,
  PRIMARY KEY (member_id, other_id)
);
CREATE INDEX blocks_other ON blocks (other_id);

-- Posts and comments that are not shown: deleted_at is set for each of them, so that every listing leaves them out.
ALTER TABLE posts ADD COLUMN held_at INTEGER;                               -- waits for a moderator
ALTER TABLE posts ADD COLUMN removed_for TEXT NOT NULL DEFAULT '';          -- why a moderator removed it, as the author is told
ALTER TABLE posts ADD COLUMN sweep_id INTEGER;                              -- hidden with everything of its author
ALTER TABLE comments ADD COLUMN held_at INTEGER;
ALTER TABLE comments ADD COLUMN removed_for TEXT NOT NULL DEFAULT '';
ALTER TABLE comments ADD COLUMN sweep_id INTEGER;
CREATE INDEX posts_slug ON posts (slug, id) WHERE deleted_at IS NULL;         -- posts whose titles begin alike
CREATE INDEX posts_sweep ON posts (sweep_id, id) WHERE sweep_id IS NOT NULL;
CREATE INDEX comments_sweep ON comments (sweep_id, id) WHERE sweep_id IS NOT NULL;

-- Moderation. A case is a thing that a moderator has to look at: held by a rule, or flagged by members.
CREATE TABLE cases (
  id         INTEGER PRIMARY KEY,
  kind       TEXT    NOT NULL CHECK (kind IN ('hold', 'flag')),
  post_id    INTEGER REFERENCES posts (id) ON DELETE CASCADE,
  comment_id INTEGER REFERENCES comments (id) ON DELETE CASCADE,
  member_id  INTEGER REFERENCES members (id) ON DELETE CASCADE,     -- who wrote it, or who is flagged
  channel_id INTEGER REFERENCES channels (id) ON DELETE CASCADE,    -- NULL: a member
  why        TEXT    NOT NULL DEFAULT '',          -- the rule that held it
  flags      INTEGER NOT NULL DEFAULT 0,
  opened_at  INTEGER NOT NULL,
  claimed_by INTEGER REFERENCES members (id) ON DELETE SET NULL,
  claimed_at INTEGER,
  decision   TEXT    NOT NULL DEFAULT '',          -- empty: open
  decided_by INTEGER REFERENCES members (id) ON DELETE SET NULL,
  decided_at INTEGER,
  reason     TEXT    NOT NULL DEFAULT '',
  sweep_id   INTEGER                               -- closed with everything of its author
);
CREATE INDEX cases_sweep ON cases (sweep_id, id) WHERE sweep_id IS NOT NULL;
CREATE UNIQUE INDEX cases_open_post ON cases (post_id) WHERE decision = '' AND comment_id IS NULL AND post_id IS NOT NULL;
CREATE UNIQUE INDEX cases_open_comment ON cases (comment_id) WHERE decision = '' AND comment_id IS NOT NULL;
CREATE UNIQUE INDEX cases_open_member ON cases (member_id) WHERE decision = '' AND post_id IS NULL AND comment_id IS NULL;
CREATE INDEX cases_open ON cases (opened_at, id) WHERE decision = '';
CREATE INDEX cases_open_channel ON cases (channel_id, opened_at, id) WHERE decision = '';
CREATE INDEX cases_decided ON cases (decided_at DESC, id DESC) WHERE decision <> '';
CREATE INDEX cases_post ON cases (post_id) WHERE post_id IS NOT NULL;
CREATE INDEX cases_comment ON cases (comment_id) WHERE comment_id IS NOT NULL;
CREATE INDEX cases_member ON cases (member_id, id DESC) WHERE member_id IS NOT NULL;
CREATE INDEX cases_channel ON cases (channel_id, decided_at DESC, id DESC) WHERE channel_id IS NOT NULL;
CREATE INDEX cases_claimed ON cases (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX cases_decider ON cases (decided_by) WHERE decided_by IS NOT NULL;

CREATE TABLE flags (
  case_id     INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
  reporter_id INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  reason      TEXT    NOT NULL CHECK (reason IN ('spam', 'abuse', 'off-topic', 'illegal', 'other')),
  note        TEXT    NOT NULL DEFAULT '',
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (case_id, reporter_id)
);
CREATE INDEX flags_reporter ON flags (reporter_id, created_at DESC, case_id DESC);

-- What moderators and admins did, append-only. public: stands in the log that everybody may read.
CREATE TABLE mod_log (
  id         INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL,
  actor_id   INTEGER REFERENCES members (id) ON DELETE SET NULL,
  action     TEXT    NOT NULL,
  post_id    INTEGER REFERENCES posts (id) ON DELETE SET NULL,
  comment_id INTEGER REFERENCES comments (id) ON DELETE SET NULL,
  member_id  INTEGER REFERENCES members (id) ON DELETE SET NULL,
  channel_id INTEGER REFERENCES channels (id) ON DELETE SET NULL,
  case_id    INTEGER REFERENCES cases (id) ON DELETE SET NULL,
  reason     TEXT    NOT NULL DEFAULT '',
  old_value  TEXT    NOT NULL DEFAULT '',
  new_value  TEXT    NOT NULL DEFAULT '',
  public     INTEGER NOT NULL DEFAULT 0,
  undone_at  INTEGER
);
CREATE INDEX mod_log_at ON mod_log (at DESC, id DESC);
CREATE INDEX mod_log_public ON mod_log (at DESC, id DESC) WHERE public = 1;
CREATE INDEX mod_log_setting ON mod_log (at DESC, id DESC) WHERE action = 'setting';
CREATE INDEX mod_log_actor ON mod_log (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX mod_log_post ON mod_log (post_id) WHERE post_id IS NOT NULL;
CREATE INDEX mod_log_comment ON mod_log (comment_id) WHERE comment_id IS NOT NULL;
CREATE INDEX mod_log_member ON mod_log (member_id, at DESC, id DESC) WHERE member_id IS NOT NULL;
CREATE INDEX mod_log_channel ON mod_log (channel_id) WHERE channel_id IS NOT NULL;
CREATE INDEX mod_log_case ON mod_log (case_id) WHERE case_id IS NOT NULL;

-- A sweep hides everything of some members, and can show it again. Who they are is decided at once; what they wrote
-- follows in small transactions, which go on after a restart.
CREATE TABLE sweeps (
  id         INTEGER PRIMARY KEY,                  -- of its entry in mod_log
  made_by    INTEGER REFERENCES members (id) ON DELETE SET NULL,
  bans       INTEGER NOT NULL,                     -- 1: the members are banned too
  since      INTEGER,                              -- of all who registered since; NULL: of one member
  reason     TEXT    NOT NULL DEFAULT '',
  state      TEXT    NOT NULL CHECK (state IN ('hiding', 'hidden', 'showing', 'shown')),
  members    INTEGER NOT NULL,
  members_done INTEGER NOT NULL DEFAULT 0,         -- in the present direction
  posts      INTEGER NOT NULL DEFAULT 0,           -- hidden by it now
  comments   INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER NOT NULL,
  done_at    INTEGER                               -- when the last direction came to its end
);
CREATE INDEX sweeps_running ON sweeps (id) WHERE state IN ('hiding', 'showing');
CREATE INDEX sweeps_by ON sweeps (made_by) WHERE made_by IS NOT NULL;
CREATE TABLE sweep_members (
  sweep_id   INTEGER NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  suspended_until INTEGER,                         -- as it was before, for the way back
  banned_until INTEGER,
  barred_for TEXT    NOT NULL DEFAULT '',
  done       INTEGER NOT NULL DEFAULT 0,           -- in the present direction
  PRIMARY KEY (sweep_id, member_id)
);
CREATE INDEX sweep_members_member ON sweep_members (member_id);
CREATE INDEX sweep_members_left ON sweep_members (sweep_id, member_id) WHERE done = 0;

CREATE TABLE staff_notes (
  id         INTEGER PRIMARY KEY,
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  author_id  INTEGER REFERENCES members (id) ON DELETE SET NULL,
  text       TEXT    NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX staff_notes_member ON staff_notes (member_id, created_at DESC, id DESC);
CREATE INDEX staff_notes_author ON staff_notes (author_id) WHERE author_id IS NOT NULL;

CREATE TABLE watch_words (                         -- words and hosts of links that hold a text
  id         INTEGER PRIMARY KEY,
  word       TEXT    NOT NULL UNIQUE,              -- folded as db/names.go folds
  added_by   INTEGER REFERENCES members (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX watch_words_by ON watch_words (added_by) WHERE added_by IS NOT NULL;

CREATE TABLE bans (                                -- of what is no member: a network, or a domain of e-mail addresses
  id         INTEGER PRIMARY KEY,
  kind       TEXT    NOT NULL CHECK (kind IN ('network', 'mail')),
  value      TEXT    NOT NULL,
  until      INTEGER,                              -- NULL: until lifted
  writes     INTEGER NOT NULL DEFAULT 0,           -- who is signed in there cannot write either
  reason     TEXT    NOT NULL DEFAULT '',
  made_by    INTEGER REFERENCES members (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (kind, value)
);
CREATE INDEX bans_by ON bans (made_by) WHERE made_by IS NOT NULL;

CREATE TABLE site_logos (                          -- one row at most: the picture that stands for the forum
  name TEXT NOT NULL PRIMARY KEY,                  -- of its content, with its size: 9f86d081884c7d65-512x128
  png  BLOB NOT NULL
);

-- Writing.
CREATE TABLE drafts (
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  place      TEXT    NOT NULL,                     -- where its form is sent: "/c/rust/posts", "/p/12/comments#34" (a reply to comment 34)
  channel    TEXT    NOT NULL DEFAULT '',          -- the slug that was chosen, in the form that asks for one
  version    INTEGER NOT NULL DEFAULT 0,           -- of the text that it changes; 0: a new one
  title      TEXT    NOT NULL DEFAULT '',
  tags       TEXT    NOT NULL DEFAULT '',
  kind       TEXT    NOT NULL DEFAULT '',
  body       TEXT    NOT NULL,
  saved_at   INTEGER NOT NULL,
  PRIMARY KEY (member_id, place)
);
CREATE INDEX drafts_saved ON drafts (member_id, saved_at DESC);
CREATE INDEX drafts_age ON drafts (saved_at);

CREATE TABLE post_revisions (                      -- what a post said before an edit
  id         INTEGER PRIMARY KEY,
  post_id    INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  editor_id  INTEGER REFERENCES members (id) ON DELETE SET NULL,    -- who made the edit that replaced it
  written_at INTEGER NOT NULL,                     -- when this text was written
  hidden_at  INTEGER,                              -- by a moderator
  title      TEXT    NOT NULL,
  tags       TEXT    NOT NULL,
  body       TEXT    NOT NULL
);
CREATE INDEX post_revisions_post ON post_revisions (post_id, id);
CREATE INDEX post_revisions_editor ON post_revisions (editor_id) WHERE editor_id IS NOT NULL;

CREATE TABLE comment_revisions (
  id         INTEGER PRIMARY KEY,
  comment_id INTEGER NOT NULL REFERENCES comments (id) ON DELETE CASCADE,
  editor_id  INTEGER REFERENCES members (id) ON DELETE SET NULL,
  written_at INTEGER NOT NULL,
  hidden_at  INTEGER,
  body       TEXT    NOT NULL
);
CREATE INDEX comment_revisions_comment ON comment_revisions (comment_id, id);
CREATE INDEX comment_revisions_editor ON comment_revisions (editor_id) WHERE editor_id IS NOT NULL;

CREATE TABLE saves (
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  post_id    INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (member_id, post_id)
);
CREATE INDEX saves_new ON saves (member_id, created_at DESC, post_id DESC);
CREATE INDEX saves_post ON saves (post_id);

CREATE TABLE post_follows (
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  post_id    INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  level      TEXT    NOT NULL CHECK (level IN ('all', 'replies', 'mute')),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (member_id, post_id)
);
CREATE INDEX post_follows_post ON post_follows (post_id, level);
CREATE TABLE channel_follows (
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
  level      TEXT    NOT NULL CHECK (level IN ('all', 'replies', 'mute')),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (member_id, channel_id)
);
CREATE INDEX channel_follows_channel ON channel_follows (channel_id, level);
