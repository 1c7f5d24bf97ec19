-- +goose Up
-- Letters about what happens in the forum: of a notification that its member has not seen for a while, and a digest.
ALTER TABLE notifications ADD COLUMN mail_due INTEGER;                      -- when a letter is to tell of it, if it is unread by then; NULL: none is, or one did
CREATE INDEX notifications_mail ON notifications (member_id, mail_due) WHERE mail_due IS NOT NULL;
ALTER TABLE notification_choices ADD COLUMN mail INTEGER;                   -- by a letter; NULL: as usual for the kind

ALTER TABLE members ADD COLUMN digest TEXT NOT NULL DEFAULT 'never' CHECK (digest IN ('never', 'daily', 'weekly'));
ALTER TABLE members ADD COLUMN digest_next INTEGER NOT NULL DEFAULT 0;      -- when the next one is due, unless never
CREATE INDEX members_digest ON members (digest_next) WHERE digest <> 'never';
