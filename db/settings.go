package db

import (
	"context"
	"errors"
)

// Names of settings. A name that is not in the table has its default.
const (
	SettingChannelMakers = "channel_creation" // "members" (default) or "moderators"
	SettingSiteName      = "site_name"
	SettingReadOnly      = "read_only" // "on" or "off" (default)
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

// SetSetting writes a setting.
func (d *DB) SetSetting(ctx context.Context, name, value string) error {
	return d.change(ctx, "SetSetting", func(ctx context.Context, tx *tx) error {
		_, err := tx.exec(ctx, "setting", `INSERT INTO settings (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
		return err
	})
}
