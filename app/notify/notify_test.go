package notify_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"codex/app/apptest"
	"codex/app/auth"
	"codex/app/config"
	"codex/app/notify"
	"codex/db"
	"codex/db/dbtest"
)

// desk is a forum's mailer with a mail server, without the forum around it.
type desk struct {
	t    *testing.T
	db   *db.DB
	box  *apptest.Mailbox
	mail *notify.Mailer
}

func newDesk(t *testing.T, box *apptest.Mailbox, changes ...func(*notify.Options)) *desk {
	t.Helper()
	c := &config.Config{}
	box.Send(c)
	o := notify.Options{DB: dbtest.Open(t), Config: c, Site: "Test Forum", Token: auth.NewToken}
	for _, change := range changes {
		change(&o)
	}
	m, err := notify.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t, o.DB, box, m}
}

func (d *desk) member(handle string) int64 {
	d.t.Helper()
	r, err := d.db.Register(d.t.Context(), db.NewMember{Handle: handle, Email: handle + "@example.org", Password: "phc"})
	if err != nil {
		d.t.Fatal(err)
	}
	return r.ID
}

// work does the jobs that are due, once each, and answers what became of them.
func (d *desk) work() (errs []error) {
	d.t.Helper()
	list, err := d.db.ClaimJobs(d.t.Context(), db.MailJobs(), 50, time.Minute)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, job := range list {
		ctx, cancel := context.WithTimeout(d.t.Context(), 10*time.Second)
		err := d.mail.Kinds()[job.Kind](ctx, job)
		cancel()
		errs = append(errs, err)
		if err == nil {
			err = d.db.FinishJob(d.t.Context(), job)
		} else {
			err = d.db.ReleaseJob(d.t.Context(), job)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	return errs
}

func (d *desk) sends(letters int) {
	d.t.Helper()
	for _, err := range d.work() {
		if err != nil {
			d.t.Fatal(err)
		}
	}
	if n := len(d.box.Letters()); n != letters {
		d.t.Fatalf("%d letters, want %d", n, letters)
	}
}

func TestALetterIsReadAsTextAndAsHTML(t *testing.T) {
	t.Parallel()
	d := newDesk(t, apptest.NewMailbox(t))
	d.member("ada")
	if err := d.db.SetSetting(t.Context(), db.SettingSiteName, "Büro & Söhne"); err != nil {
		t.Fatal(err)
	}
	d.sends(1)
	l := d.box.Letters()[0]
	if l.To != "ada@example.org" || l.From != "noreply@forum.example" || l.Header.Get("Subject") != "Is this your address?" {
		t.Errorf("from %s to %s: %v", l.From, l.To, l.Header)
	}
	link := l.Link("/verify")
	if !strings.Contains(l.Text, "http://forum.example"+link) || !strings.Contains(l.HTML, `href="http://forum.example`+link+`"`) || len(link) < 40 {
		t.Errorf("the link is %q in\n%s\n%s", link, l.Text, l.HTML)
	}
	for _, part := range []string{l.Text, l.HTML} {
		if !strings.Contains(part, "@ada at Büro") || strings.Contains(part, "%!") {
			t.Errorf("it says %s", part)
		}
	}
	from, err := l.Header.AddressList("From")
	if err != nil || from[0].Name != "Büro & Söhne" {
		t.Errorf("From is %q, %v", l.Header.Get("From"), err)
	}
	if l.Header.Get("Auto-Submitted") != "auto-generated" || l.Header.Get("List-Unsubscribe") != "" || l.Header.Get("User-Agent") != "" || l.Header.Get("Date") == "" {
		t.Errorf("headers: %v", l.Header)
	}
	for _, loaded := range []string{"<img", "<link", "<style", "src=", "style="} {
		if strings.Contains(l.HTML, loaded) {
			t.Errorf("the letter has %s: mail programs drop it, or tell that it was read", loaded)
		}
	}
	if _, err := d.db.LinkHolder(t.Context(), db.PurposeVerify, auth.HashToken(strings.TrimPrefix(link, "/verify?token="))); err != nil {
		t.Errorf("the link opens nothing: %v", err)
	}
}

func TestWhatPeopleTypedMakesNoHeaderOfALetter(t *testing.T) {
	t.Parallel()
	d := newDesk(t, apptest.NewMailbox(t))
	d.member("ada")
	if err := d.db.SetSetting(t.Context(), db.SettingSiteName, "Forum\r\nBcc: thief@example.net\r\n\r\n<script>\u2028"); err != nil {
		t.Fatal(err)
	}
	d.sends(1)
	l := d.box.Letters()[0]
	if l.Header.Get("Bcc") != "" || l.Header.Get("To") != "<ada@example.org>" || strings.Contains(l.HTML, "<script>") {
		t.Errorf("headers %v\n%s", l.Header, l.HTML)
	}
}

func TestALetterThatIsSentAgainEndsTheLinkOfTheFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(t, apptest.NewMailbox(t))
	id := d.member("ada")
	d.sends(1)
	for range 2 {
		if err := d.db.AskVerify(t.Context(), db.Viewer{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	d.sends(2) // what was asked for twice before it was sent is one letter
	first, second := d.box.Letters()[0], d.box.Letters()[1]
	if first.Header.Get("Message-Id") == second.Header.Get("Message-Id") {
		t.Error("two letters have one name: a mailbox would keep the one whose link is dead")
	}
	for l, want := range map[*apptest.Letter]error{&first: db.ErrNotFound, &second: nil} {
		_, err := d.db.LinkHolder(t.Context(), db.PurposeVerify, auth.HashToken(strings.TrimPrefix(l.Link("/verify"), "/verify?token=")))
		if !errors.Is(err, want) {
			t.Errorf("the link of %s: %v, want %v", l.Header.Get("Message-Id"), err, want)
		}
	}
}

func TestNobodyGetsAResetForAnAddressThatIsNobodys(t *testing.T) {
	t.Parallel()
	d := newDesk(t, apptest.NewMailbox(t))
	if err := d.db.AskReset(t.Context(), "nobody@example.org"); err != nil {
		t.Fatal(err)
	}
	d.sends(0)
	if n, err := d.db.WaitingJobs(t.Context(), db.JobReset); err != nil || n != 0 {
		t.Errorf("%d jobs wait, %v", n, err)
	}
}

func TestLettersWaitWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	box := apptest.NewMailbox(t)
	d := newDesk(t, box)
	d.member("ada")
	box.Close()
	errs := d.work()
	if len(errs) != 1 || errs[0] == nil || !strings.Contains(errs[0].Error(), "mail server "+box.Host) {
		t.Fatalf("with the server away: %v", errs)
	}
	box.Open()
	d.sends(1)
}

func TestARefusedAddressIsGivenUpAndEverythingElseTriedAgain(t *testing.T) {
	t.Parallel()
	box := apptest.NewMailbox(t)
	box.Refuse = func(to string) error {
		code := smtp.EnhancedCode{5, 1, 1}
		switch {
		case strings.HasPrefix(to, "relay"):
			code = smtp.EnhancedCode{5, 7, 1}
		case strings.HasPrefix(to, "grey"):
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later, " + to}
		}
		return &smtp.SMTPError{Code: 550, EnhancedCode: code, Message: strings.ToUpper(to) + " is not wanted"}
	}
	d := newDesk(t, box)
	for _, handle := range []string{"gone", "relay", "grey"} {
		d.member(handle)
		errs := d.work()
		var hopeless interface{ ForGood() bool }
		if err := errs[len(errs)-1]; err == nil || !errors.As(err, &hopeless) || hopeless.ForGood() != (handle == "gone") {
			t.Errorf("%s: %v, for good: %t", handle, err, hopeless.ForGood())
		}
		for _, err := range errs {
			if strings.Contains(strings.ToLower(err.Error()), "@example.org") || strings.Contains(err.Error(), "token") {
				t.Errorf("the error tells the address: %v", err)
			}
		}
	}
}

func TestThePasswordOfTheServerIsUsedAndNeverTold(t *testing.T) {
	t.Parallel()
	box := apptest.NewMailbox(t)
	box.User, box.Password = "forum@mail.example", "canary:pass/word"
	with := func(password string) func(*notify.Options) {
		return func(o *notify.Options) {
			o.Config.SMTPURL = config.Secret("smtp://" + url.UserPassword(box.User, password).String() + "@" + box.Host)
		}
	}
	d := newDesk(t, box, with(box.Password))
	if err := d.mail.Check(t.Context()); err != nil {
		t.Error(err)
	}
	d.member("ada")
	d.sends(1)
	wrong := newDesk(t, box, with("canary of another kind"))
	if err := wrong.mail.Check(t.Context()); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("with a wrong password: %v", err)
	}
}

// certified is a certificate for 127.0.0.1, and the authority that it is checked by.
func certified(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestAServerWithTLSIsBelievedByItsCertificateAlone(t *testing.T) {
	t.Parallel()
	certificate, roots := certified(t)
	box := apptest.NewMailbox(t, certificate)
	box.User, box.Password = "forum", "secret"
	known := func(o *notify.Options) {
		o.Config.SMTPURL, o.Roots = config.Secret("smtps://forum:secret@"+box.Host), roots
	}
	d := newDesk(t, box, known)
	d.member("ada")
	d.sends(1)
	stranger := newDesk(t, box, known, func(o *notify.Options) { o.Roots = x509.NewCertPool() })
	stranger.member("ada")
	if errs := stranger.work(); len(errs) != 1 || errs[0] == nil || !strings.Contains(errs[0].Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", errs)
	}
}

func TestAServerThatFallsSilentIsLeftWhenTheForumStops(t *testing.T) {
	t.Parallel()
	box := apptest.NewMailbox(t)
	silent := make(chan struct{})
	box.Hold = func() { <-silent }
	t.Cleanup(func() { close(silent) })
	d := newDesk(t, box)
	d.member("ada")
	list, err := d.db.ClaimJobs(t.Context(), db.MailJobs(), 1, time.Minute)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := d.mail.Kinds()[list[0].Kind](ctx, list[0]); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// clock is a database's time, which a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) move(d time.Duration) { c.ahead.Add(int64(d)) }

// village is a desk with ada, who proved her address and has a post, and ben.
type village struct {
	*desk
	clock    *clock
	ada, ben db.Viewer
	channel  int64
	post     int64
}

func newVillage(t *testing.T) *village {
	t.Helper()
	c := &clock{}
	v := &village{clock: c}
	v.desk = newDesk(t, apptest.NewMailbox(t), func(o *notify.Options) { o.DB = dbtest.OpenAt(t, c.now) })
	admin, err := v.db.CreateMember(t.Context(), db.NewMember{Handle: "admin", Role: db.Admin, Password: "phc", Origin: "command"})
	if err != nil {
		t.Fatal(err)
	}
	slug, err := v.db.CreateChannel(t.Context(), db.Viewer{ID: admin, Role: db.Admin}, db.NewChannel{Name: "Garden"})
	if err != nil {
		t.Fatal(err)
	}
	garden, err := v.db.ChannelBySlug(t.Context(), db.Viewer{}, slug)
	if err != nil {
		t.Fatal(err)
	}
	v.channel = garden.ID
	if err := v.db.SetSetting(t.Context(), db.SettingHoldFirst, "0"); err != nil {
		t.Fatal(err)
	}
	v.ada, v.ben = db.Viewer{ID: v.member("ada")}, db.Viewer{ID: v.member("ben")}
	v.sends(2)
	token := strings.TrimPrefix(v.box.Letters()[0].Link("/verify"), "/verify?token=")
	if err := v.db.VerifyEmail(t.Context(), auth.HashToken(token)); err != nil {
		t.Fatal(err)
	}
	v.post = v.writes(v.ada, "Beans")
	return v
}

func (v *village) writes(by db.Viewer, title string) int64 {
	v.t.Helper()
	id, err := v.db.CreatePost(v.t.Context(), by, db.NewPost{ChannelID: v.channel, Kind: "discussion", Title: title, Body: "Which climb?"})
	if err != nil {
		v.t.Fatal(err)
	}
	return id
}

func (v *village) comments(by db.Viewer, body string) {
	v.t.Helper()
	if _, err := v.db.CreateComment(v.t.Context(), by, db.NewComment{PostID: v.post, Body: body}); err != nil {
		v.t.Fatal(err)
	}
}

func TestWhatIsNotSeenForTenMinutesIsToldByLetter(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	v.comments(v.ben, "Runner beans, yes & no")
	v.sends(2)
	v.clock.move(db.MailAfter - time.Second)
	v.sends(2)
	v.comments(v.ben, "And peas")
	v.clock.move(2 * time.Second)
	v.sends(3)
	l := v.box.Letters()[2]
	if l.To != "ada@example.org" || !strings.Contains(l.Header.Get("Subject"), "ben replied to you in Beans") || !strings.Contains(l.Text, "Runner beans, yes & no") || !strings.Contains(l.HTML, "yes &amp; no") || strings.Contains(l.Text, "peas") {
		t.Errorf("to %s: %s\n%s", l.To, l.Header.Get("Subject"), l.Text)
	}
	if !strings.Contains(l.Text, "\nhttp://forum.example/comments/1\n") {
		t.Errorf("it leads nowhere: %s", l.Text)
	}
	v.sends(3) // once
	v.clock.move(db.MailAfter)
	v.sends(4) // what came later has a letter of its own
	if l := v.box.Letters()[3]; !strings.Contains(l.Text, "And peas") || strings.Contains(l.Text, "Runner") {
		t.Errorf("the second says\n%s", l.Text)
	}
}

func TestSeveralThingsAreOneLetter(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	other := v.writes(v.ben, "For @ada to read")
	if _, err := v.db.CreateComment(t.Context(), v.ben, db.NewComment{PostID: other, Body: "What does @ada say?"}); err != nil {
		t.Fatal(err)
	}
	v.comments(v.ben, "One")
	v.comments(v.ben, "Two")
	v.clock.move(db.MailAfter + time.Second)
	v.sends(3)
	l := v.box.Letters()[2]
	if l.Header.Get("Subject") != "2 things that you have not seen" || !strings.Contains(l.Text, "ben replied to you in Beans") || !strings.Contains(l.Text, "ben mentioned you in For @ada to read") {
		t.Errorf("%s\n%s", l.Header.Get("Subject"), l.Text)
	}
}

func TestWhatIsSeenUnwantedOrUnreadableIsNotSent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*village) error{
		"the post is read": func(v *village) error { return v.db.MarkRead(v.t.Context(), v.ada, v.post, 0, 9) },
		"all is read":      func(v *village) error { return v.db.ReadNotifications(v.t.Context(), v.ada, 0, 1<<40) },
		"letters are off":  func(v *village) error { return v.db.SetMailOff(v.t.Context(), v.ada.ID, true) },
		"the channel is private and she is out": func(v *village) error {
			return v.db.SetAccess(v.t.Context(), db.Viewer{ID: 1, Role: db.Admin}, v.channel, db.Access{Visibility: db.Private})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVillage(t)
			v.comments(v.ben, "canary")
			if err := change(v); err != nil {
				t.Fatal(err)
			}
			v.clock.move(db.MailAfter + time.Second)
			v.sends(2)
			if n, err := v.db.WaitingJobs(t.Context(), db.JobNotification); err != nil || n != 0 {
				t.Errorf("%d letters wait: %v", n, err)
			}
		})
	}
	t.Run("the kind is not wanted by letter", func(t *testing.T) {
		t.Parallel()
		v := newVillage(t)
		set := func(app, mail bool) {
			t.Helper()
			if err := v.db.SetNotificationSettings(t.Context(), v.ada, db.NotificationSettings{Choices: map[db.Notice]db.Choice{db.NoticeReply: {App: app, Mail: mail}}, Digest: db.NoDigest}); err != nil {
				t.Fatal(err)
			}
		}
		set(true, false)
		v.comments(v.ben, "One")
		v.clock.move(db.MailAfter + time.Second)
		v.sends(2)
		set(false, true) // by letter alone
		v.comments(v.ben, "Two")
		if n, err := v.db.Unread(t.Context(), v.ada); err != nil || n != 1 {
			t.Errorf("the bell says %d, want the first alone: %v", n, err)
		}
		v.clock.move(db.MailAfter + time.Second)
		v.sends(3)
	})
}

func TestALetterOfWhatHappensHasAWayToStopThem(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	v.comments(v.ben, "Runner beans")
	v.clock.move(db.MailAfter + time.Second)
	v.sends(3)
	l := v.box.Letters()[2]
	stop := l.Link("/unsubscribe")
	if l.Header.Get("List-Unsubscribe") != "<http://forum.example"+stop+">" || l.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("headers: %v; the link is %s", l.Header, stop)
	}
	secret, err := v.db.MailSecret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(stop)
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := notify.StopFor(secret, at.Query()); !ok || id != v.ada.ID {
		t.Errorf("the link stops the letters to %d, %t", id, ok)
	}
	for _, forged := range []url.Values{{"member": {"1"}}, {"member": {"12"}, "signed": at.Query()["signed"]}, {}} {
		if id, ok := notify.StopFor(secret, forged); ok {
			t.Errorf("%v stops the letters to %d", forged, id)
		}
	}
}

func TestADigestComesInTheMorningWithWhatIsNotRead(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	ask := func(at time.Time) {
		t.Helper()
		v.clock.move(at.Sub(v.clock.now()))
		for {
			if n, err := v.db.AskDigests(t.Context()); err != nil {
				t.Fatal(err)
			} else if n == 0 {
				return
			}
		}
	}
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	ada := v.ada
	ada.TimeZone = "Europe/Lisbon"
	if err := v.db.SetTimeZone(t.Context(), ada, ada.TimeZone); err != nil {
		t.Fatal(err)
	}
	today := v.clock.now().In(lisbon)
	morning := func(days int) time.Time {
		return time.Date(today.Year(), today.Month(), today.Day()+days, 8, 0, 1, 0, lisbon)
	}
	v.clock.move(morning(1).Sub(v.clock.now())) // a morning, whenever this runs
	want := db.NotificationSettings{Choices: map[db.Notice]db.Choice{}, Digest: db.DailyDigest}
	if err := v.db.SetNotificationSettings(t.Context(), ada, want); err != nil {
		t.Fatal(err)
	}
	v.writes(v.ben, "How to climb")
	ask(morning(2).Add(-time.Hour))
	v.sends(2)
	ask(morning(2))
	v.sends(3)
	l := v.box.Letters()[2]
	if l.To != "ada@example.org" || l.Header.Get("Subject") != "Today at Test Forum" || !strings.Contains(l.Text, "How to climb") || strings.Contains(l.Text, "Beans") || l.Link("/unsubscribe") == "" {
		t.Errorf("to %s: %s\n%s", l.To, l.Header.Get("Subject"), l.Text)
	}
	ask(morning(2).Add(time.Hour))
	v.sends(3) // once
	ask(morning(3).Add(time.Hour))
	if _, err := v.db.RefreshAges(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.sends(3) // nothing new, no letter

	want.Digest = db.WeeklyDigest
	if err := v.db.SetNotificationSettings(t.Context(), ada, want); err != nil {
		t.Fatal(err)
	}
	v.writes(v.ben, "How to be eaten")
	for day := 4; day < 11; day++ { // one of them is a Monday
		ask(morning(day))
		for _, err := range v.work() {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	v.sends(4)
	want.Digest = db.NoDigest
	if err := v.db.SetNotificationSettings(t.Context(), ada, want); err != nil {
		t.Fatal(err)
	}
	ask(morning(30))
	v.sends(4)
}
