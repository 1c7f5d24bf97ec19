package db

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// Names of settings. A name that is not in the table has its default.
const (
	SettingChannelMakers = "channel_creation" // "members" (default) or "moderators"
	SettingSiteName      = "site_name"
	SettingReadOnly      = "read_only"             // "on" or "off" (default)
	SettingWelcome       = "welcome"               // a line for guests, on the front page and the doors
	SettingRules         = "rules"                 // Markdown, in place of the rules that the forum comes with
	SettingContact       = "contact"               // how to reach who runs the forum: an e-mail address or a web address
	SettingHoldFirst     = "hold_first"            // how many of a new member's first texts wait for a moderator; HoldFirst when never set
	SettingHoldAll       = "hold_all"              // "on": every text waits but those of staff and of who keeps the channel; "off" (default)
	SettingRegistration  = "registration"          // how one becomes a member: "open" (default), "invite", "approval" or "closed"
	SettingQuestion      = "registration_question" // that is asked in the mode "approval"; empty: the usual one
	SettingInviteMakers  = "invite_makers"         // who can make invites: "moderators" (default) or "members"
	SettingLogo          = "logo"                  // the name of the picture in site_logos; empty: none
	SettingPublicLog     = "public_log"            // "off": the moderation log is for staff alone; "on" (default)
)

// Setting reads a setting, or answers fallback when it was never set.
func (d *DB) Setting(ctx context.Context, name, fallback string) (string, error) {
	var value string
	err := d.get(ctx, "Setting", &value, "SELECT value FROM settings WHERE name = ?", name)
	if errors.Is(err, ErrNotFound) {
		return fallback, nil
	}
	return value, err
}

// Settings reads all settings that were ever set.
func (d *DB) Settings(ctx context.Context) (map[string]string, error) {
	var rows []struct {
		Name  string `db:"name"`
		Value string `db:"value"`
	}
	if err := d.list(ctx, "Settings", &rows, "SELECT name, value FROM settings ORDER BY name LIMIT 200"); err != nil {
		return nil, err
	}
	all := make(map[string]string, len(rows))
	for _, r := range rows {
		all[r.Name] = r.Value
	}
	return all, nil
}

// ChangeSettings sets the settings that differ from what is stored, or from their default where nothing is, each with an
// entry in the log. For admins, whom the transaction asks for again. It goes on while the forum is read-only: how else
// would that end.
func (d *DB) ChangeSettings(ctx context.Context, v Viewer, values, defaults map[string]string) error {
	return d.change(ctx, "ChangeSettings", func(ctx context.Context, tx *tx) error {
		if err := tx.admin(ctx, v); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			var old string
			err := tx.get(ctx, "old value", &old, "SELECT value FROM settings WHERE name = ?", name)
			if errors.Is(err, ErrNotFound) {
				old, err = defaults[name], nil
			}
			if err != nil {
				return err
			}
			if old == values[name] {
				continue
			}
			if err := tx.setSetting(ctx, v, name, old, values[name]); err != nil {
				return err
			}
		}
		return nil
	})
}

// admin fails with ErrForbidden for who is no admin by their row.
func (t *tx) admin(ctx context.Context, v Viewer) error {
	var role Role
	if err := t.get(ctx, "role", &role, "SELECT role FROM members WHERE id = ? AND deleted_at IS NULL", v.ID); err != nil {
		return forbidden(err)
	}
	if role != Admin {
		return ErrForbidden
	}
	return nil
}

// setSetting writes a setting with its entry in the log.
func (t *tx) setSetting(ctx context.Context, v Viewer, name, old, value string) error {
	if _, err := t.exec(ctx, "setting", `INSERT INTO settings (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value); err != nil {
		return err
	}
	_, err := t.logged(ctx, v, Entry{Action: ActionSetting, Reason: name, Old: old, New: value})
	return err
}

// ActionSetting is a change of a setting, whose name stands in Reason.
const ActionSetting = "setting"

// SettingChange is a line of the settings' history.
type SettingChange struct {
	At     Millis `db:"at"`
	Name   string `db:"reason"`
	Handle string `db:"handle"` // who changed it; empty: nobody known
	Old    string `db:"old_value"`
	New    string `db:"new_value"`
}

// SettingChanges lists what was changed last, the newest first. Empty for who is no admin.
func (d *DB) SettingChanges(ctx context.Context, v Viewer, limit int) ([]SettingChange, error) {
	if v.Role != Admin {
		return nil, nil
	}
	var list []SettingChange
	err := d.list(ctx, "SettingChanges", &list, `SELECT l.at, l.reason, COALESCE(m.handle, '') AS handle, l.old_value, l.new_value
		FROM mod_log l LEFT JOIN members m ON m.id = l.actor_id WHERE l.action = '`+ActionSetting+`' ORDER BY l.at DESC, l.id DESC LIMIT ?`, limit)
	return list, err
}

// SetSetting writes a setting, for the program itself.
func (d *DB) SetSetting(ctx context.Context, name, value string) error {
	return d.change(ctx, "SetSetting", func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, "setting", `INSERT INTO settings (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
		return err
	})
}
