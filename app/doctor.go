package app

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"codex/app/config"
	"codex/app/notify"
	"codex/db"
)

// Finding is one thing that Examine looked at.
type Finding struct {
	Found  string
	Advice string // what to do; empty: nothing
	Bad    bool   // the forum does not run well, or at all, until it is done
}

// lowSpace is the free space in bytes below which a disk is nearly full.
const lowSpace = 500 << 20

// Examine looks at the configuration, the directory, the mail server, the disk, the database and the clock, and says what to do. It
// may run beside a server, and writes nothing.
func Examine(ctx context.Context, c *config.Config, migrations fs.FS) []Finding {
	var list []Finding
	if err := c.Validate(); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			list = append(list, Finding{Found: line, Advice: "Set it right; codex serve --help names every setting.", Bad: true})
		}
	} else {
		list = append(list, Finding{Found: "The configuration is valid."})
	}
	if c.BaseURL == "" {
		list = append(list, Finding{Found: "CODEX_BASE_URL is not set: the forum answers to this machine only.", Advice: "Before others are to reach it, set the address that they type."})
	} else if !c.Secure() {
		list = append(list, Finding{Found: "CODEX_BASE_URL is plain http: passwords travel in the open.", Advice: "Put a proxy with TLS in front, and set an https address."})
	}
	if !c.Limited() {
		list = append(list, Finding{Found: "CODEX_RATE_LIMITS is off.", Advice: "That is for tests and benchmarks; turn it on where others can reach the forum.", Bad: c.BaseURL != ""})
	}
	if now := time.Now(); now.Year() < 2026 {
		list = append(list, Finding{Found: "The clock says " + now.Format("2 January 2006") + ".", Advice: "Set it: sessions and times depend on it.", Bad: true})
	}
	list = append(list, examineMail(ctx, c)...)
	list = append(list, examineDisk(c.Data)...)
	return append(list, examineDatabase(ctx, c.Data, migrations)...)
}

// mailAnswers is how long the mail server may take to let us in.
const mailAnswers = 10 * time.Second

func examineMail(ctx context.Context, c *config.Config) []Finding {
	if !c.MailOn() {
		return []Finding{{Found: "Mail is off: CODEX_SMTP_URL is not set.", Advice: "Letters wait for it, and who forgets their password needs you (codex user password HANDLE)."}}
	}
	mailer, err := notify.New(notify.Options{Config: c})
	if err != nil {
		return nil // the configuration is not valid, which was said above
	}
	ctx, cancel := context.WithTimeout(ctx, mailAnswers)
	defer cancel()
	if err := mailer.Check(ctx); err != nil {
		return []Finding{{Found: fmt.Sprintf("Mail does not go out (%v).", err), Advice: "Letters wait until it does; look at CODEX_SMTP_URL.", Bad: true}}
	}
	return []Finding{{Found: "The mail server lets us in."}}
}

// examineJobs says what waits, and what was given up.
func examineJobs(ctx context.Context, d *db.DB) []Finding {
	waiting := 0
	for _, kind := range db.MailJobs() {
		n, err := d.WaitingJobs(ctx, kind)
		if err != nil {
			return nil // a database that waits for a migration, or cannot be read: both are said elsewhere
		}
		waiting += n
	}
	var list []Finding
	if waiting > 0 {
		list = append(list, Finding{Found: fmt.Sprintf("Letters wait to be sent: %d.", waiting)})
	}
	if dead, err := d.CountDeadJobs(ctx); err == nil && dead > 0 {
		list = append(list, Finding{Found: fmt.Sprintf("Jobs were given up in the last 30 days: %d.", dead), Advice: "The log says why."})
	}
	return list
}

func examineDisk(dir string) []Finding {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return []Finding{{Found: fmt.Sprintf("There is no data directory %s yet.", dir), Advice: "codex serve makes it."}}
	}
	var list []Finding
	if f, err := os.CreateTemp(dir, ".doctor-"); err != nil {
		list = append(list, Finding{Found: fmt.Sprintf("The data directory %s cannot be written to (%v).", dir, err), Advice: "Give it to the user that runs the forum.", Bad: true})
	} else {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err == nil {
		free := uint64(stat.Bavail) * uint64(stat.Bsize)
		f := Finding{Found: fmt.Sprintf("The disk has %d MiB free.", free>>20)}
		if free < lowSpace {
			f.Advice, f.Bad = "Make room: when it is full, nothing can be written any more.", true
		}
		list = append(list, f)
	}
	return list
}

func examineDatabase(ctx context.Context, dir string, migrations fs.FS) []Finding {
	path := filepath.Join(dir, db.FileName)
	if _, err := os.Stat(path); err != nil {
		marker := filepath.Join(dir, markerFile)
		if _, err := os.Stat(marker); err == nil {
			return []Finding{{Found: "The database " + path + " is missing, but this directory held a forum.", Advice: "Put a backup in its place: codex restore FILE", Bad: true}}
		}
		return nil
	}
	site, err := OpenSite(ctx, SiteOptions{Dir: dir, Migrations: migrations, Pending: true, Existing: true})
	if err != nil {
		return []Finding{{Found: err.Error(), Advice: "codex restore FILE puts a backup in its place, and keeps what is there.", Bad: true}}
	}
	defer site.Close(context.WithoutCancel(ctx))
	list := []Finding{{Found: "No server runs on it."}}
	if !site.Alone {
		list[0].Found = "A server runs on it."
	}
	switch found, err := site.DB.IntegrityCheck(ctx); {
	case err != nil:
		list = append(list, Finding{Found: fmt.Sprintf("The database cannot be checked (%v).", err), Advice: "Try again when the server is stopped.", Bad: true})
	case len(found) > 0:
		list = append(list, Finding{Found: "The database is damaged: " + strings.ReplaceAll(found[0], "\n", "; ") + ".", Advice: "Stop the server, keep the file, and put a backup in its place: codex restore FILE", Bad: true})
	default:
		sums, err := site.DB.Sums(ctx)
		if err == nil {
			list = append(list, Finding{Found: fmt.Sprintf("The database is sound: %d members, %d posts, %d comments.", sums.Members, sums.Posts, sums.Comments)})
		}
	}
	if err := site.current(ctx, migrations); err != nil {
		list = append(list, Finding{Found: err.Error() + ".", Advice: "codex serve does it by itself, after taking a copy."})
	}
	list = append(list, examineJobs(ctx, site.DB)...)
	if has, err := site.DB.HasAdmin(ctx); err == nil && !has {
		list = append(list, Finding{Found: "The forum has no administrator.", Advice: "Join with the setup token that codex serve prints, or: codex user add HANDLE --email ADDRESS --role admin"})
	}
	return list
}
