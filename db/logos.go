package db

import (
	"context"
	"errors"
)

// SetLogo stores the picture that stands for the forum, a PNG of our own making, under a name that says what is in it; an
// empty name takes it away. It stands in the log and in the setting SettingLogo, and the one before is gone. For admins,
// whom the transaction asks for again.
func (d *DB) SetLogo(ctx context.Context, v Viewer, name string, png []byte) error {
	return d.change(ctx, "SetLogo", func(ctx context.Context, tx *tx) error {
		if err := tx.admin(ctx, v); err != nil {
			return err
		}
		var old string
		if err := tx.get(ctx, "old logo", &old, "SELECT value FROM settings WHERE name = ?", SettingLogo); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if old == name {
			return nil
		}
		if _, err := tx.exec(ctx, "drop logo", "DELETE FROM site_logos WHERE name = ?", old); err != nil {
			return err
		}
		if name != "" {
			if _, err := tx.exec(ctx, "logo", "INSERT INTO site_logos (name, png) VALUES (?, ?)", name, png); err != nil {
				return err
			}
		}
		return tx.setSetting(ctx, v, SettingLogo, old, name)
	})
}

// Logo reads the picture of that name; ErrNotFound when the forum has another by now, or none.
func (d *DB) Logo(ctx context.Context, name string) ([]byte, error) {
	var png []byte
	err := d.get(ctx, "Logo", &png, "SELECT png FROM site_logos WHERE name = ?", name)
	return png, err
}
