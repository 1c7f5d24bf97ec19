-- +goose Up
-- A member's texts that wait or were removed: their account menu counts them on every page.
CREATE INDEX posts_unseen ON posts (author_id, created_at DESC, id DESC)
  WHERE deleted_at IS NOT NULL AND (held_at IS NOT NULL AND deleted_by IS NULL OR deleted_by <> author_id);
CREATE INDEX comments_unseen ON comments (author_id, created_at DESC, id DESC)
  WHERE deleted_at IS NOT NULL AND (held_at IS NOT NULL AND deleted_by IS NULL OR deleted_by <> author_id);

-- The channels that a member opened in the last day.
DROP INDEX channels_owner;
CREATE INDEX channels_owner ON channels (owner_id, created_at DESC);
