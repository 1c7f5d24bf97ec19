-- +goose Up
-- What a member is told of: a row for each cause, written in the transaction that causes it. Alike ones are merged when
-- they are read, so that one whose cause is deleted, or may not be read any more, is simply not among them.
CREATE TABLE notifications (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  kind       TEXT    NOT NULL CHECK (kind IN ('reply', 'mention', 'comment', 'reaction', 'accepted', 'post', 'decision', 'system')),
  cause      TEXT    NOT NULL,                     -- a member is told once of it
  alike      TEXT    NOT NULL,                     -- those with the same are merged
  what       TEXT    NOT NULL DEFAULT '',          -- of a decision: which
  actor_id   INTEGER REFERENCES members (id) ON DELETE CASCADE,
  post_id    INTEGER REFERENCES posts (id) ON DELETE CASCADE,
  comment_id INTEGER REFERENCES comments (id) ON DELETE CASCADE,
  channel_id INTEGER REFERENCES channels (id) ON DELETE CASCADE,
  shown      INTEGER NOT NULL DEFAULT 1,           -- on the page; 0: its member wants it by other ways alone
  created_at INTEGER NOT NULL,
  read_at    INTEGER
);
CREATE UNIQUE INDEX notifications_cause ON notifications (member_id, cause);
CREATE INDEX notifications_new ON notifications (member_id, id DESC) WHERE shown = 1;
CREATE INDEX notifications_unread ON notifications (member_id, id DESC) WHERE shown = 1 AND read_at IS NULL;
CREATE INDEX notifications_post ON notifications (post_id, member_id) WHERE post_id IS NOT NULL;
CREATE INDEX notifications_comment ON notifications (comment_id) WHERE comment_id IS NOT NULL;
CREATE INDEX notifications_channel ON notifications (channel_id) WHERE channel_id IS NOT NULL;
CREATE INDEX notifications_actor ON notifications (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX notifications_age ON notifications (created_at);

CREATE TABLE notification_choices (                -- of a member who wants a kind in another way than usual
  member_id  INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  kind       TEXT    NOT NULL,
  app        INTEGER NOT NULL,                     -- on the page and the badge
  PRIMARY KEY (member_id, kind)
);
