package main

import (
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"codex/app/apptest"
)

// TestALetterOutlivesTheServerThatOwesIt registers at a forum without mail, kills it with SIGKILL, and starts it again
// with a mail server: the letter that waited is sent. Then it stops the forum while the mail server holds a letter back.
func TestALetterOutlivesTheServerThatOwesIt(t *testing.T) {
	t.Parallel()
	box := apptest.NewMailbox(t)
	box.User, box.Password = "forum", "canary-of-the-mail-server"
	var holds atomic.Bool
	held, letGo := make(chan struct{}), make(chan struct{})
	box.Hold = func() {
		if holds.Load() {
			close(held)
			<-letGo
		}
	}
	t.Cleanup(func() { close(letGo) })
	dir, s := forum(t)
	if out, code := execute(t, "", "doctor", "--data", dir); code != 0 || !strings.Contains(out, "Mail is off") {
		t.Errorf("doctor without mail: exit code %d: %s", code, out)
	}
	res, err := s.post("/register", url.Values{"handle": {"ada"}, "email": {"ada@example.org"}, "password": {"a long enough password"}})
	if err != nil || res.StatusCode != 303 {
		t.Fatal(res, err)
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.done
	if out, _ := execute(t, "", "doctor", "--data", dir); !strings.Contains(out, "Letters wait to be sent: 1.") {
		t.Errorf("doctor: %s", out)
	}
	mail := []string{"--smtp-url", "smtp://forum:canary-of-the-mail-server@" + box.Host, "--base-url", "http://forum.example"}
	out, code := execute(t, "", append([]string{"doctor", "--data", dir}, mail...)...)
	if code != 0 || !strings.Contains(out, "The mail server lets us in.") {
		t.Errorf("doctor with mail: exit code %d: %s", code, out)
	}
	wrong, code := execute(t, "", "doctor", "--data", dir, "--base-url", "http://forum.example", "--smtp-url", "smtp://forum:canary-that-is-wrong@"+box.Host)
	if code != 1 || !strings.Contains(wrong, "Mail does not go out") || strings.Contains(wrong+out, "canary") {
		t.Errorf("doctor with a wrong password: exit code %d: %s", code, wrong)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free, and named in the forum's own address
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	s = serve(t, dir, append(mail, "--addr", addr, "--base-url", "http://"+addr)...)
	box.Wait(1, "ada@example.org", "Is this your address?")

	holds.Store(true)
	s.mustPost("/forgot", "email", "ada@example.org")
	<-held
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if strings.Contains(s.out.String(), "canary") {
		t.Errorf("the log holds the password: %s", s.out)
	}
	if out, _ := execute(t, "", "doctor", "--data", dir); !strings.Contains(out, "Letters wait to be sent: 1.") {
		t.Errorf("what was cut off is not kept: %s", out)
	}
	if n := len(box.Letters()); n != 1 {
		t.Errorf("%d letters came, want the one", n)
	}
}
