package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"codex/db"
)

// fill makes the disk full for a running server: no file of its may grow beyond what the WAL has now. The answer makes
// room again. The server's own limit is set from outside, as nothing in the standard library does.
func (s *server) fill(dir string) (room func()) {
	s.t.Helper()
	wal, err := os.Stat(filepath.Join(dir, db.FileName+"-wal"))
	if err != nil {
		s.t.Fatal(err)
	}
	var was syscall.Rlimit
	limit := func(now, old *syscall.Rlimit) {
		s.t.Helper()
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(s.cmd.Process.Pid), syscall.RLIMIT_FSIZE,
			uintptr(unsafe.Pointer(now)), uintptr(unsafe.Pointer(old)), 0, 0); errno != 0 {
			s.t.Fatalf("limit the server's files: %v", errno)
		}
	}
	limit(nil, &was)
	limit(&syscall.Rlimit{Cur: uint64(wal.Size()), Max: was.Max}, nil)
	return func() { limit(&was, nil) }
}

// browser is another one that asks the same server.
func (s *server) browser() *server {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	other := *s
	other.http = &http.Client{Jar: jar, Timeout: s.http.Timeout, CheckRedirect: s.http.CheckRedirect}
	return &other
}

// at is the same browser at another start of the server.
func (s *server) at(started *server) *server {
	there := *started
	there.http = s.http
	return &there
}

// ended reports that the server left word that sessions have ended which the database holds.
func ended(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, db.FileName+"-ended"))
	return err == nil
}

func (s *server) signedIn() bool {
	s.t.Helper()
	status, _ := s.get("/settings")
	if status != http.StatusOK && status != http.StatusSeeOther {
		s.t.Fatalf("the settings answer %d", status)
	}
	return status == http.StatusOK
}

// withItsCookies is a browser that has kept a copy of the other's cookies, as a thief has.
func (s *server) withItsCookies(of *server) *server {
	s.t.Helper()
	at, err := url.Parse(of.url)
	if err != nil {
		s.t.Fatal(err)
	}
	s.http.Jar.SetCookies(at, of.http.Jar.Cookies(at))
	return s
}

func TestOnAFullDiskPeopleSignInAndOutAndNothingIsLost(t *testing.T) {
	t.Parallel()
	dir, owner := forum(t)
	if out, code := execute(t, ownerPassword+"\n", "user", "add", "reader", "--email", "reader@example.org", "--data", dir); code != 0 {
		t.Fatalf("user add: %s", out)
	}
	leaver := owner.browser()
	leaver.signIn()
	thief := owner.browser().withItsCookies(leaver)

	room := owner.fill(dir)
	form := url.Values{"title": {"A long evening's work"}, "body": {"Every word of it."}, "key": {"once"}}
	r, err := owner.http.PostForm(owner.url+"/c/room/posts", form)
	if err != nil {
		t.Fatal(err)
	}
	page := new(strings.Builder)
	if err := r.Write(page); err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusInsufficientStorage || !strings.Contains(page.String(), "Every word of it.") {
		t.Fatalf("a post on a full disk: %d\n%s", r.StatusCode, page)
	}
	reader := owner.browser()
	reader.mustPost("/login", "login", "reader", "password", ownerPassword, "next", "/c/room")
	for _, path := range []string{"/", "/c/room", "/settings", "/u/owner"} {
		if status, body := reader.get(path); status != http.StatusOK || !strings.Contains(body, "/u/reader") {
			t.Errorf("%s answers %d to the reader, or as to a guest", path, status)
		}
	}
	if !thief.signedIn() {
		t.Fatal("the copied cookie opens nothing")
	}
	leaver.mustPost("/logout")
	if leaver.signedIn() || thief.signedIn() {
		t.Error("signed out on a full disk, the session opens still")
	}
	if !owner.signedIn() {
		t.Error("the owner's session has ended")
	}
	if !ended(dir) {
		t.Error("the database had room for the end of a session: this is not about a full disk")
	}

	room()
	where := owner.mustPost("/c/room/posts", "title", form.Get("title"), "body", form.Get("body"), "key", "once")
	reader.mustPost("/c/room/join")
	for stop := time.Now().Add(20 * time.Second); !strings.Contains(owner.out.String(), "that waited are stored"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(stop) {
			t.Fatalf("the session is not stored: %s", owner.out)
		}
	}
	if ended(dir) {
		t.Error("a start would end every session although all is stored")
	}
	owner.stop()
	again := serve(t, dir)
	if !reader.at(again).signedIn() {
		t.Error("the session that waited did not survive the restart")
	}
	if thief.at(again).signedIn() {
		t.Error("the session that was signed out opens after the restart")
	}
	if status, body := owner.at(again).get(where); status != http.StatusOK || !strings.Contains(body, "Every word of it.") {
		t.Errorf("the post that was sent again: %d", status)
	}
	again.stop()
}

func TestASessionSignedOutOnAFullDiskIsOverAfterAKill(t *testing.T) {
	t.Parallel()
	dir, owner := forum(t)
	thief := owner.browser().withItsCookies(owner)
	if !thief.signedIn() {
		t.Fatal("the copied cookie opens nothing")
	}
	owner.fill(dir)
	owner.mustPost("/logout")
	if !ended(dir) {
		t.Fatal("the database had room for the end of a session")
	}
	owner.signal(syscall.SIGKILL)
	<-owner.done
	again := serve(t, dir)
	if thief.at(again).signedIn() {
		t.Error("the session opens again")
	}
	again.signIn()
	if !again.signedIn() {
		t.Error("a new session does not open")
	}
	again.stop()
}
