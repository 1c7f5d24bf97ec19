package apptest

import (
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"codex/app/config"
)

// Mailbox is a mail server on loopback that keeps what it is given. It may be used by any number of goroutines, and ends
// with its test.
type Mailbox struct {
	Host string // with the port

	// Refuse is asked for each recipient, Hold before a letter's text is taken over; both may be nil, and are set before the
	// first letter comes.
	Refuse func(to string) error
	Hold   func()
	// User and Password are asked for where User is not empty.
	User, Password string

	t       testing.TB
	server  *smtp.Server
	mu      sync.Mutex
	letters []Letter
	came    chan struct{} // closed and made anew with each letter
}

// Letter is a letter as it came.
type Letter struct {
	From, To   string // of the envelope
	Header     mail.Header
	Text, HTML string
	Raw        string
}

// Link is the address in a letter that leads to a path of the forum.
func (l Letter) Link(path string) string {
	_, rest, found := strings.Cut(l.Text, path+"?")
	if !found {
		return ""
	}
	return path + "?" + strings.Fields(rest)[0]
}

// NewMailbox opens a mail server; with a certificate it speaks TLS from the first byte.
func NewMailbox(t testing.TB, certificate ...tls.Certificate) *Mailbox {
	t.Helper()
	m := &Mailbox{t: t, came: make(chan struct{})}
	m.listen("127.0.0.1:0", certificate)
	return m
}

func (m *Mailbox) listen(at string, certificate []tls.Certificate) {
	m.t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		m.t.Fatal(err)
	}
	m.Host = l.Addr().String()
	if len(certificate) > 0 {
		l = tls.NewListener(l, &tls.Config{Certificates: certificate, MinVersion: tls.VersionTLS12})
	}
	server := smtp.NewServer(m)
	server.Domain, server.AllowInsecureAuth = "mailbox.example", true
	server.ErrorLog = silent{}
	m.server = server
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	m.t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// Close ends the server; Open opens it again where it was.
func (m *Mailbox) Close() { _ = m.server.Close() }

// Open opens a server that was closed.
func (m *Mailbox) Open() { m.listen(m.Host, nil) }

// Send lets a forum send its letters here. It is reached as forum.example.
func (m *Mailbox) Send(c *config.Config) {
	c.SMTPURL, c.BaseURL = config.Secret("smtp://"+m.Host), "http://forum.example"
}

// Letters are those that came so far, oldest first.
func (m *Mailbox) Letters() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Letter(nil), m.letters...)
}

// Wait waits for the nth letter, counted from 1, to somebody with a subject.
func (m *Mailbox) Wait(n int, to, subject string) Letter {
	m.t.Helper()
	late := time.After(15 * time.Second)
	for {
		m.mu.Lock()
		came, seen := m.came, 0
		for _, l := range m.letters {
			if l.To == to && l.Header.Get("Subject") == subject {
				if seen++; seen == n {
					m.mu.Unlock()
					return l
				}
			}
		}
		m.mu.Unlock()
		select {
		case <-came:
		case <-late:
			m.t.Fatalf("no letter %d with the subject %q came to %s; there are %d in all", n, subject, to, len(m.Letters()))
		}
	}
}

// NewSession begins a connection.
func (m *Mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{box: m}, nil }

type mailSession struct {
	box      *Mailbox
	letter   Letter
	signedIn bool
}

func (s *mailSession) AuthMechanisms() []string {
	if s.box.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.box.User || password != s.box.Password {
			return smtp.ErrAuthFailed
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.box.User != "" && !s.signedIn {
		return smtp.ErrAuthRequired
	}
	s.letter = Letter{From: from}
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.box.Refuse != nil {
		if err := s.box.Refuse(to); err != nil {
			return err
		}
	}
	s.letter.To = to
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.box.Hold != nil {
		s.box.Hold()
	}
	l := s.letter
	l.Raw = string(raw)
	if err := l.read(); err != nil {
		s.box.t.Errorf("a letter that cannot be read (%v): %s", err, raw)
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, l)
	close(s.box.came)
	s.box.came = make(chan struct{})
	return nil
}

func (s *mailSession) Reset()        { s.letter = Letter{} }
func (s *mailSession) Logout() error { return nil }

// read takes a letter apart.
func (l *Letter) read() error {
	msg, err := mail.ReadMessage(strings.NewReader(l.Raw))
	if err != nil {
		return err
	}
	l.Header = msg.Header
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		return err
	}
	l.Header["Subject"] = []string{subject}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return errors.Join(errors.New("it is "+kind), err)
	}
	for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var body io.Reader = part
		if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(part)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			l.HTML = string(text)
		} else {
			l.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
		}
	}
}

// silent drops what the server says of connections that tests cut off.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
