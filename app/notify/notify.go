// Package notify delivers what db decided: it is what does the jobs that are letters (db/letters.go), through one SMTP
// server.
//
// A letter is a row of the jobs table until the server has taken it over: while that is away, or none is configured, it
// waits. It may be sent twice where the process was killed, or the connection lost, between the server's word and ours.
//
// The secret of a letter's link is made when the letter is, stands in it alone, and goes nowhere else: the database has
// its hash, and neither a log nor an error ever holds it. A letter that is made anew has a new one, and ends the old one.
//
// A Mailer is read only and may be used by any number of goroutines; each letter has a connection of its own, as many at
// once as there are workers for jobs.
package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"codex/app/config"
	"codex/db"
	"codex/views/mails"
	"codex/views/ui"
)

// Options are what a Mailer is made of.
type Options struct {
	DB     *db.DB
	Config *config.Config
	Site   string // the forum's name where no setting has another
	// Token makes the secret of a link, and the hash that the database gets.
	Token func() (plain string, hash []byte)
	// Roots are the authorities that the server's certificate is checked by; nil: the system's.
	Roots *x509.CertPool
}

// Mailer is made with New.
type Mailer struct {
	o      Options
	server config.SMTP
	from   string
	base   string // without a slash at the end
	host   string // of base
}

// New makes a mailer of a configuration that is valid and has mail on.
func New(o Options) (*Mailer, error) {
	server, err := o.Config.SMTP()
	if err != nil {
		return nil, err
	}
	from, err := o.Config.Sender()
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(o.Config.BaseURL)
	if err != nil || base.Hostname() == "" {
		return nil, errors.New("letters need CODEX_BASE_URL for their links")
	}
	return &Mailer{o: o, server: server, from: from, base: strings.TrimSuffix(o.Config.BaseURL, "/"), host: base.Hostname()}, nil
}

// Kinds are the jobs that it does, each with what does it.
func (m *Mailer) Kinds() map[string]func(context.Context, db.Job) error {
	return map[string]func(context.Context, db.Job) error{
		db.JobVerify: m.verify, db.JobReset: m.reset, db.JobChanged: m.changed, db.JobNotification: m.notifications, db.JobDigest: m.digest,
	}
}

func (m *Mailer) verify(ctx context.Context, job db.Job) error {
	token, hash := m.o.Token()
	r, err := m.o.DB.IssueVerify(ctx, job.Subject, hash)
	if errors.Is(err, db.ErrNotFound) { // proved meanwhile, or gone
		return nil
	}
	if err != nil {
		return err
	}
	return m.send(ctx, job, r.Email, func(ctx context.Context) mails.Letter { return mails.Verify(ctx, r.Handle, m.link("/verify", token)) })
}

func (m *Mailer) reset(ctx context.Context, job db.Job) error {
	var asked db.Asked
	if err := json.Unmarshal([]byte(job.Payload), &asked); err != nil {
		return &unreadable{err}
	}
	token, hash := m.o.Token()
	r, err := m.o.DB.IssueReset(ctx, asked.Address, hash)
	if errors.Is(err, db.ErrNotFound) { // nobody's address
		return nil
	}
	if err != nil {
		return err
	}
	return m.send(ctx, job, r.Email, func(ctx context.Context) mails.Letter { return mails.Reset(ctx, r.Handle, m.link("/reset", token)) })
}

func (m *Mailer) changed(ctx context.Context, job db.Job) error {
	var c db.Changed
	if err := json.Unmarshal([]byte(job.Payload), &c); err != nil {
		return &unreadable{err}
	}
	return m.send(ctx, job, c.Address, func(ctx context.Context) mails.Letter {
		if c.What == db.ChangedEmail {
			return mails.EmailChanged(ctx, c.Handle, m.base+"/about")
		}
		return mails.PasswordChanged(ctx, c.Handle, m.base+"/forgot")
	})
}

// toldAtOnce is how many notifications a letter is made of; of more, it says that there are more.
const toldAtOnce = 50

// notifications tells a member of what they have not seen. What is told is looked up now: what they have read meanwhile,
// or may not read any more, is not in it.
func (m *Mailer) notifications(ctx context.Context, job db.Job) error {
	list, now, err := m.o.DB.ToMail(ctx, job.Subject, toldAtOnce)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		if err := m.toMember(ctx, job, func(ctx context.Context) mails.Letter { return mails.Notifications(ctx, m.base, list) }); err != nil {
			return err
		}
	}
	return m.o.DB.Mailed(ctx, job.Subject, now)
}

// digest tells a member of the best that they have not read, if there is anything.
func (m *Mailer) digest(ctx context.Context, job db.Job) error {
	every, posts, unread, err := m.o.DB.DigestFor(ctx, job.Subject)
	if errors.Is(err, db.ErrNotFound) || err == nil && len(posts) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return m.toMember(ctx, job, func(ctx context.Context) mails.Letter { return mails.Digest(ctx, m.base, every, posts, unread) })
}

// toMember sends a letter that is not about the account itself, with a way to stop such letters, to who wants them.
func (m *Mailer) toMember(ctx context.Context, job db.Job, write func(ctx context.Context) mails.Letter) error {
	r, err := m.o.DB.Reachable(ctx, job.Subject)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	secret, err := m.o.DB.MailSecret(ctx)
	if err != nil {
		return err
	}
	return m.send(ctx, job, r.Email, func(ctx context.Context) mails.Letter {
		l := write(ctx)
		l.StopURL = m.base + StopPath(secret, r.ID)
		return l
	})
}

// link is an address with a secret. The secret stands in the query because that is what no log of ours holds.
func (m *Mailer) link(path, token string) string { return m.base + path + "?token=" + token }

// unreadable is a payload that nobody can make sense of, now or later.
type unreadable struct{ err error }

func (e *unreadable) Error() string { return "read the payload: " + e.err.Error() }
func (e *unreadable) Unwrap() error { return e.err }
func (e *unreadable) ForGood() bool { return true }

// send writes a letter and hands it to the server.
func (m *Mailer) send(ctx context.Context, job db.Job, to string, write func(ctx context.Context) mails.Letter) error {
	site, err := m.o.DB.Setting(ctx, db.SettingSiteName, m.o.Site)
	if err != nil {
		return err
	}
	view := ui.With(ctx, &ui.Env{Now: time.Now(), Site: site, Asset: func(name string) string { return m.base + "/static/" + name }})
	letter := write(view)
	var page bytes.Buffer
	if err := letter.HTML().Render(view, &page); err != nil {
		return fmt.Errorf("write a letter: %w", err)
	}
	return m.deliver(ctx, parcel{
		id: m.messageID(job), to: to, name: site, subject: letter.Subject, text: letter.Text(view), html: page.String(), stop: letter.StopURL,
	})
}

// messageID names a letter. What is sent again after a lost answer has the name that it had, so that a mailbox can see
// that it is the same; but a letter with a link has another link then, and must not be taken for the one whose link died.
func (m *Mailer) messageID(job db.Job) string {
	id := job.ID
	if job.Kind == db.JobVerify || job.Kind == db.JobReset {
		id = fmt.Sprintf("%s.%d", id, job.Attempts)
	}
	return id + "@" + m.host
}

func (m *Mailer) tls() *tls.Config {
	return &tls.Config{ServerName: m.server.Host, MinVersion: tls.VersionTLS12, RootCAs: m.o.Roots}
}
