package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"codex/app"
	"codex/app/auth"
	"codex/db"
)

// closing closes the site after a command, and keeps the command's own error in front.
func closing(ctx context.Context, site *app.Site, err error) error {
	return errors.Join(err, site.Close(context.WithoutCancel(ctx)))
}

type userCmd struct {
	Add      userAdd      `cmd:"" help:"Add a member. The password comes from standard input."`
	Role     userRole     `cmd:"" help:"Give a member a role; their sessions end."`
	Password userPassword `cmd:"" help:"Set a member's password, from standard input; their sessions end."`

	ResetFactor userResetFactor `cmd:"" name:"reset-factor" help:"Take the second factor off somebody who is locked out; their sessions end."`
}

type userAdd struct {
	dataFlag `embed:""`
	Handle   string `arg:"" help:"3 to 30 letters, digits, dots, hyphens and underscores."`
	Email    string `required:"" help:"The address to sign in with."`
	Name     string `help:"The name to sign with; the handle, when it is left out."`
	Role     string `default:"member" enum:"member,moderator,admin" help:"member, moderator or admin."`
}

func (u *userAdd) Run(ctx context.Context, c *console) error {
	if !db.ValidHandle(u.Handle) {
		return &wrongUsage{fmt.Sprintf("%q is no handle: it needs 3 to 30 letters, digits, dots, hyphens and underscores", u.Handle)}
	}
	if !db.ValidEmail(u.Email) {
		return &wrongUsage{fmt.Sprintf("%q is no e-mail address", u.Email)}
	}
	name, ok := db.CleanName(u.Name)
	if !ok {
		return &wrongUsage{"the name has more than 60 characters, or some that cannot be shown"}
	}
	hash, err := readPassword(ctx, c, u.Handle, u.Email)
	if err != nil {
		return err
	}
	site, err := u.open(ctx)
	if err != nil {
		return err
	}
	_, err = site.DB.CreateMember(ctx, db.NewMember{Handle: u.Handle, Name: name, Email: u.Email, Password: hash, Role: db.Role(u.Role), Origin: "command"})
	switch {
	case errors.Is(err, db.ErrHandleTaken):
		err = fmt.Errorf("the handle %s is taken, or looks like one that is", u.Handle)
	case errors.Is(err, db.ErrEmailTaken):
		err = fmt.Errorf("there is an account with the address %s", u.Email)
	case err == nil:
		fmt.Fprintf(c.out, "Added %s as %s.\n", u.Handle, u.Role)
	}
	return closing(ctx, site, err)
}

type userRole struct {
	dataFlag `embed:""`
	Handle   string `arg:""`
	Role     string `arg:"" enum:"member,moderator,admin" help:"member, moderator or admin."`
}

func (u *userRole) Run(ctx context.Context, c *console) error {
	return u.change(ctx, u.Handle, func(d *db.DB, m db.Member) error {
		if err := d.SetRole(ctx, m.ID, db.Role(u.Role)); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s is %s now. Their sessions have ended.\n", m.Handle, u.Role)
		return nil
	})
}

type userPassword struct {
	dataFlag `embed:""`
	Handle   string `arg:""`
}

func (u *userPassword) Run(ctx context.Context, c *console) error {
	hash, err := readPassword(ctx, c, u.Handle)
	if err != nil {
		return err
	}
	return u.change(ctx, u.Handle, func(d *db.DB, m db.Member) error {
		if err := d.SetPassword(ctx, m.ID, hash, 0); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "The password of %s is changed. Their sessions have ended.\n", m.Handle)
		return nil
	})
}

// change finds a member and does something to them.
func (d dataFlag) change(ctx context.Context, handle string, do func(*db.DB, db.Member) error) error {
	site, err := app.OpenSite(ctx, app.SiteOptions{Dir: d.Data, Migrations: migrations(), Migrate: true, Existing: true})
	if err != nil {
		return err
	}
	m, err := site.DB.MemberByHandle(ctx, handle)
	if errors.Is(err, db.ErrNotFound) {
		err = fmt.Errorf("there is no member %s", handle)
	}
	if err == nil {
		err = do(site.DB, m)
	}
	return closing(ctx, site, err)
}

// readPassword reads one line, without showing it on a terminal, and answers its hash. own is what everybody knows of the
// member.
func readPassword(ctx context.Context, c *console, own ...string) (string, error) {
	var line string
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(c.err, "Password: ")
		typed, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.err)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		line = string(typed)
	} else {
		read, err := bufio.NewReader(c.in).ReadString('\n')
		if err != nil && read == "" {
			return "", &wrongUsage{"the password is expected on standard input"}
		}
		line = strings.TrimRight(read, "\r\n")
	}
	switch err := auth.NewPassword(line, own...); {
	case errors.Is(err, auth.ErrPasswordLength):
		return "", &wrongUsage{fmt.Sprintf("a password has %d to %d bytes", auth.MinPassword, auth.MaxPassword)}
	case errors.Is(err, auth.ErrCommonPassword):
		return "", &wrongUsage{"this password is among those that are tried first: take a sentence of your own"}
	case errors.Is(err, auth.ErrOwnPassword):
		return "", &wrongUsage{"the password is the member's own handle or address"}
	case err != nil:
		return "", err
	}
	return auth.NewHasher().Hash(ctx, line)
}
