-- +goose Up
-- Times are integer milliseconds since 1970 UTC, made in Go. Booleans are nullable times where "since when" matters.

CREATE TABLE settings (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE members (
  id            INTEGER PRIMARY KEY,
  handle        TEXT    NOT NULL,
  handle_key    TEXT    NOT NULL UNIQUE,           -- lower case: handles are unique without regard to case
  name          TEXT    NOT NULL,
  email         TEXT,
  email_key     TEXT    UNIQUE,
  password      TEXT    NOT NULL DEFAULT '',       -- PHC string; empty: cannot sign in (imported)
  role          TEXT    NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'moderator', 'admin')),
  origin        TEXT    NOT NULL DEFAULT 'registered' CHECK (origin IN ('registered', 'command', 'demo', 'import')),
  theme         TEXT    NOT NULL DEFAULT '' CHECK (theme IN ('', 'light', 'dark')),
  post_count    INTEGER NOT NULL DEFAULT 0,
  comment_count INTEGER NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL,
  caught_up_at  INTEGER NOT NULL,                  -- what is older is never shown as unread
  last_seen_at  INTEGER NOT NULL DEFAULT 0,
  deleted_at    INTEGER,
  source_url    TEXT    NOT NULL DEFAULT '',
  bio           TEXT    NOT NULL DEFAULT '',
  bio_html      TEXT    NOT NULL DEFAULT '',
  bio_version   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX members_version ON members (bio_version, id) WHERE bio_html <> '';
CREATE INDEX members_admins ON members (role, id) WHERE role = 'admin';

CREATE TABLE sessions (
  id           INTEGER PRIMARY KEY,
  token_hash   BLOB    NOT NULL UNIQUE,            -- SHA-256 of 256 random bits; the token itself is only in the cookie
  member_id    INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  created_at   INTEGER NOT NULL,
  used_at      INTEGER NOT NULL,
  idle_until   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  address      TEXT    NOT NULL,
  agent        TEXT    NOT NULL
);
CREATE INDEX sessions_member ON sessions (member_id, used_at DESC, id DESC);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE channels (
  id           INTEGER PRIMARY KEY,
  slug         TEXT    NOT NULL UNIQUE,
  name         TEXT    NOT NULL,
  description  TEXT    NOT NULL DEFAULT '',
  visibility   TEXT    NOT NULL DEFAULT 'public' CHECK (visibility IN ('public')),
  owner_id     INTEGER REFERENCES members (id) ON DELETE SET NULL,
  member_count INTEGER NOT NULL DEFAULT 0,
  post_count   INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL,
  active_at    INTEGER NOT NULL,
  rules        TEXT    NOT NULL DEFAULT '',
  rules_html   TEXT    NOT NULL DEFAULT '',
  rules_version INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX channels_version ON channels (rules_version, id) WHERE rules_html <> '';
CREATE INDEX channels_active ON channels (active_at DESC, id DESC);
CREATE INDEX channels_owner ON channels (owner_id);

CREATE TABLE memberships (
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
  role       TEXT    NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'moderator', 'owner')),
  joined_at  INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  PRIMARY KEY (member_id, channel_id)
);
CREATE INDEX memberships_seen ON memberships (member_id, seen_at DESC, channel_id);
CREATE INDEX memberships_keepers ON memberships (channel_id, role DESC, member_id) WHERE role <> 'member';
CREATE INDEX memberships_channel ON memberships (channel_id, joined_at, member_id);

-- The long columns stand last: SQLite reads a row's prefix without its overflow pages, so a listing never pays for bodies.
CREATE TABLE posts (
  id            INTEGER PRIMARY KEY,
  channel_id    INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
  author_id     INTEGER REFERENCES members (id) ON DELETE SET NULL,   -- NULL: a deleted author
  kind          TEXT    NOT NULL CHECK (kind IN ('discussion', 'question')),
  title         TEXT    NOT NULL,
  slug          TEXT    NOT NULL,
  tags          TEXT    NOT NULL DEFAULT '',       -- names, each followed by a space; post_tags is the index
  base_score    INTEGER NOT NULL DEFAULT 0,
  likes         INTEGER NOT NULL DEFAULT 0,
  dislikes      INTEGER NOT NULL DEFAULT 0,
  score         INTEGER NOT NULL DEFAULT 0,        -- base_score + likes - dislikes, kept by the write
  comment_count INTEGER NOT NULL DEFAULT 0,        -- those not deleted
  comment_seq   INTEGER NOT NULL DEFAULT 0,        -- the last ordinal given to a root comment
  age_class     INTEGER NOT NULL DEFAULT 0,        -- 0 within a day, 1 week, 2 month, 3 year, 4 older; moved on by RefreshAges
  accepted_id   INTEGER REFERENCES comments (id) ON DELETE SET NULL,
  lost_answer_id INTEGER REFERENCES comments (id) ON DELETE SET NULL, -- the accepted answer that was deleted: its Undo accepts it again
  created_at    INTEGER NOT NULL,
  active_at     INTEGER NOT NULL,
  edited_at     INTEGER,
  pinned_at     INTEGER,
  locked_at     INTEGER,
  deleted_at    INTEGER,
  deleted_by    INTEGER REFERENCES members (id) ON DELETE SET NULL,
  duplicate_of  INTEGER REFERENCES posts (id) ON DELETE SET NULL,
  source_url    TEXT    NOT NULL DEFAULT '',
  source_author TEXT    NOT NULL DEFAULT '',       -- a deleted author's name as the source shows it
  licence       TEXT    NOT NULL DEFAULT '',
  excerpt       TEXT    NOT NULL DEFAULT '',
  opens         INTEGER NOT NULL DEFAULT 0,        -- 1: begins with a paragraph long enough for a drop capital
  html_version  INTEGER NOT NULL,
  html          TEXT    NOT NULL,
  body          TEXT    NOT NULL
);
-- posts_channel_new, posts_author and comments_author have the deleted too: they are also what the foreign keys look up.
CREATE INDEX posts_active ON posts (active_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_new ON posts (created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_top ON posts (age_class, score DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_channel_active ON posts (channel_id, active_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_channel_new ON posts (channel_id, created_at DESC, id DESC);
CREATE INDEX posts_channel_top ON posts (channel_id, age_class, score DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_channel_pinned ON posts (channel_id, pinned_at DESC, id DESC) WHERE deleted_at IS NULL AND pinned_at IS NOT NULL;
CREATE INDEX posts_author ON posts (author_id, created_at DESC, id DESC);
CREATE INDEX posts_age ON posts (age_class, created_at);
CREATE INDEX posts_accepted ON posts (accepted_id) WHERE accepted_id IS NOT NULL;
CREATE INDEX posts_lost_answer ON posts (lost_answer_id) WHERE lost_answer_id IS NOT NULL;
CREATE INDEX posts_duplicate ON posts (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX posts_deleted_by ON posts (deleted_by) WHERE deleted_by IS NOT NULL;
CREATE INDEX posts_version ON posts (html_version, id);

-- path is the list of ordinals from the root down, each written so that bytes sort as numbers (see db/comments.go):
-- one range of the index is a subtree, in the order in which it is read.
CREATE TABLE comments (
  id            INTEGER PRIMARY KEY,
  post_id       INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  parent_id     INTEGER REFERENCES comments (id) ON DELETE CASCADE,
  root_id       INTEGER NOT NULL,                  -- the comment itself for a root
  author_id     INTEGER REFERENCES members (id) ON DELETE SET NULL,
  path          TEXT    NOT NULL,
  depth         INTEGER NOT NULL,                  -- 0 for a root
  lead          INTEGER NOT NULL DEFAULT 0,        -- 1: the root whose thread holds the accepted answer
  reply_count   INTEGER NOT NULL DEFAULT 0,        -- direct replies, deleted ones too: the thread keeps its shape
  reply_seq     INTEGER NOT NULL DEFAULT 0,
  base_score    INTEGER NOT NULL DEFAULT 0,
  likes         INTEGER NOT NULL DEFAULT 0,
  dislikes      INTEGER NOT NULL DEFAULT 0,
  score         INTEGER NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL,
  edited_at     INTEGER,
  deleted_at    INTEGER,
  deleted_by    INTEGER REFERENCES members (id) ON DELETE SET NULL,
  source_url    TEXT    NOT NULL DEFAULT '',
  source_author TEXT    NOT NULL DEFAULT '',
  licence       TEXT    NOT NULL DEFAULT '',
  excerpt       TEXT    NOT NULL DEFAULT '',
  html_version  INTEGER NOT NULL,
  html          TEXT    NOT NULL,
  body          TEXT    NOT NULL
);
CREATE UNIQUE INDEX comments_path ON comments (post_id, path);
CREATE UNIQUE INDEX comments_root_path ON comments (root_id, path);
CREATE UNIQUE INDEX comments_top ON comments (post_id, lead DESC, score DESC, path) WHERE depth = 0;
CREATE INDEX comments_newest ON comments (post_id, created_at DESC) WHERE deleted_at IS NULL;
CREATE INDEX comments_parent ON comments (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX comments_author ON comments (author_id, created_at DESC, id DESC);
CREATE INDEX comments_deleted_by ON comments (deleted_by) WHERE deleted_by IS NOT NULL;
CREATE INDEX comments_version ON comments (html_version, id);

CREATE TABLE post_reactions (
  post_id    INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  value      INTEGER NOT NULL CHECK (value IN (1, -1)),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (post_id, member_id)
);
CREATE INDEX post_reactions_member ON post_reactions (member_id);

CREATE TABLE comment_reactions (
  comment_id INTEGER NOT NULL REFERENCES comments (id) ON DELETE CASCADE,
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  post_id    INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  value      INTEGER NOT NULL CHECK (value IN (1, -1)),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (comment_id, member_id)
);
CREATE INDEX comment_reactions_member ON comment_reactions (member_id, post_id);
CREATE INDEX comment_reactions_post ON comment_reactions (post_id);

CREATE TABLE tags (
  id          INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  description TEXT    NOT NULL DEFAULT '',         -- a sentence of plain text, for lists
  post_count  INTEGER NOT NULL DEFAULT 0,
  source_url    TEXT  NOT NULL DEFAULT '',
  source_author TEXT  NOT NULL DEFAULT '',         -- of the two texts
  licence       TEXT  NOT NULL DEFAULT '',
  about         TEXT  NOT NULL DEFAULT '',         -- Markdown, on the tag's own page
  about_html    TEXT  NOT NULL DEFAULT '',
  about_version INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX tags_version ON tags (about_version, id) WHERE about_html <> '';
CREATE INDEX tags_count ON tags (post_count DESC, name);

CREATE TABLE post_tags (
  tag_id     INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
  post_id    INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,                     -- the post's, so that a tag's page is a range of one index
  PRIMARY KEY (tag_id, post_id)
);
CREATE INDEX post_tags_new ON post_tags (tag_id, created_at DESC, post_id DESC);
CREATE INDEX post_tags_post ON post_tags (post_id);

CREATE TABLE reads (
  member_id     INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  post_id       INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  comments_seen INTEGER NOT NULL,
  read_at       INTEGER NOT NULL,
  PRIMARY KEY (member_id, post_id)
);
CREATE INDEX reads_post ON reads (post_id);

-- One row a write form that was sent; it is written in the transaction of the write and kept for a day.
CREATE TABLE idempotency_keys (
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  key        TEXT    NOT NULL,
  kind       TEXT    NOT NULL,
  subject_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (member_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- What an import has written, by the identity that it has at its source. Some kinds are marks that one step of an
-- import leaves for a later one, which takes them away (see db/imports.go).
CREATE TABLE import_refs (
  source TEXT    NOT NULL,
  kind   TEXT    NOT NULL,
  ext_id INTEGER NOT NULL,
  id     INTEGER NOT NULL,
  PRIMARY KEY (source, kind, ext_id)
);
