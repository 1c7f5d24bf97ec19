package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"regexp"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// answerWithin is how long the server may take for one answer. A letter's whole time is its job's.
const answerWithin = 20 * time.Second

// parcel is a letter that is ready.
type parcel struct {
	id, to, name, subject, text, html, stop string
}

// message makes what is sent. go-mail writes the headers, and breaks or encodes what would make two lines of one.
func (m *Mailer) message(p parcel) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&netmail.Address{Name: strings.Join(strings.Fields(p.name), " "), Address: m.from})
	if err := msg.To(p.to); err != nil {
		return nil, errors.New("the member's address is none that can be written to") // the error holds it
	}
	msg.SetMessageIDWithValue(p.id)
	msg.SetDate()
	msg.Subject(p.subject)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // nobody's holiday answers it (RFC 3834)
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	if p.stop != "" {
		msg.SetGenHeader("List-Unsubscribe", "<"+p.stop+">")
		msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	msg.SetBodyString(mail.TypeTextPlain, p.text)
	msg.AddAlternativeString(mail.TypeTextHTML, p.html)
	return msg, nil
}

// deliver hands a letter to the server.
func (m *Mailer) deliver(ctx context.Context, p parcel) error {
	msg, err := m.message(p)
	if err != nil {
		return err
	}
	return m.connected(ctx, func(client *mail.Client, conn *smtp.Client) error {
		err := client.SendWithSMTPClient(conn, msg)
		if err == nil || msg.IsDelivered() { // what goes wrong behind its word would send the letter twice
			return nil
		}
		return refused(err, p.to)
	})
}

// Check signs in to the server and out again, so that whoever configures it hears what is wrong.
func (m *Mailer) Check(ctx context.Context) error {
	return m.connected(ctx, func(*mail.Client, *smtp.Client) error { return nil })
}

// connected does something with a connection that ends with it, and at once with ctx: the library's own context ends with
// the greeting, and a server that falls silent behind that would hold a stop up.
func (m *Mailer) connected(ctx context.Context, do func(*mail.Client, *smtp.Client) error) error {
	var raw net.Conn
	cut := func() {
		if raw != nil {
			_ = raw.Close()
		}
	}
	defer cut() // the library leaves one open whose greeting failed
	dial := func(dialing context.Context, network, address string) (_ net.Conn, err error) {
		if raw, err = new(net.Dialer).DialContext(dialing, network, address); err != nil {
			raw = nil
			return nil, err
		}
		if !m.server.TLS {
			return raw, nil
		}
		secure := tls.Client(raw, m.tls())
		return secure, secure.HandshakeContext(dialing)
	}
	client, err := mail.NewClient(m.server.Host, m.options(dial)...)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", m.server.Address(), err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", m.server.Address(), err)
	}
	hang := context.AfterFunc(ctx, cut)
	defer hang()
	defer func() { _ = client.CloseWithSMTPClient(conn) }() // its goodbye changes nothing
	return do(client, conn)
}

func (m *Mailer) options(dial mail.DialContextFunc) []mail.Option {
	list := []mail.Option{
		mail.WithPort(m.server.Port), mail.WithTimeout(answerWithin), mail.WithHELO(m.host), mail.WithTLSConfig(m.tls()),
		mail.WithDialContextFunc(dial), mail.WithoutNoop(),
	}
	switch {
	case m.server.TLS:
		list = append(list, mail.WithSSL())
	case m.server.Local(): // nothing to hide, and a certificate for localhost is nobody's
		list = append(list, mail.WithTLSPolicy(mail.NoTLS))
	case m.server.User != "": // a password is never sent in the open
		list = append(list, mail.WithTLSPolicy(mail.TLSMandatory))
	default:
		list = append(list, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if m.server.User != "" {
		list = append(list, mail.WithUsername(m.server.User), mail.WithPassword(m.server.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return list
}

// refusal is what the server said to a letter, without the address that it was for: errors are logged, and kept for
// admins to read.
type refusal struct {
	text    string
	forGood bool
}

func (e *refusal) Error() string { return e.text }

// ForGood reports that there is no such mailbox. Everything else, such as a refused sender, may be mended by who runs the
// forum, or by time.
func (e *refusal) ForGood() bool { return e.forGood }

func refused(err error, to string) error {
	r := &refusal{text: regexp.MustCompile(`(?i)`+regexp.QuoteMeta(to)).ReplaceAllString(err.Error(), "(the address)")}
	if said, ok := errors.AsType[*mail.SendError](err); ok {
		r.forGood = said.Reason == mail.ErrSMTPRcptTo && strings.HasPrefix(said.EnhancedStatusCode(), "5.1.")
	}
	return r
}
