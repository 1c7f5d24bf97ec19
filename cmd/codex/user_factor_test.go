package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"codex/db"
)

func TestWhoLostPhoneAndCodesIsLetInByTheServersOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	codex := func(code int, args ...string) string {
		t.Helper()
		out, got := execute(t, ownerPassword+"\n", append(args, "--data", dir)...)
		if got != code {
			t.Fatalf("codex %v: exit %d\n%s", args, got, out)
		}
		return out
	}
	codex(0, "user", "add", "careful", "--email", "careful@example.org")
	if out := codex(1, "user", "reset-factor", "careful"); !strings.Contains(out, "careful has no second factor") {
		t.Errorf("without one it says %q", out)
	}
	if out := codex(1, "user", "reset-factor", "nobody"); !strings.Contains(out, "nobody") {
		t.Errorf("of nobody it says %q", out)
	}
	d, err := db.Open(t.Context(), db.Options{Path: filepath.Join(dir, db.FileName)})
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.MemberByHandle(t.Context(), "careful")
	if err == nil {
		err = d.SetFactor(t.Context(), db.Viewer{ID: m.ID}, []byte("secret"), 1, [][]byte{[]byte("code")})
	}
	if err == nil {
		err = d.Close(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	asked := func(s *server) bool {
		t.Helper()
		a, err := s.post("/login", url.Values{"login": {"careful"}, "password": {ownerPassword}})
		if err != nil {
			t.Fatal(err)
		}
		return a.StatusCode != http.StatusSeeOther
	}
	s := serve(t, dir)
	if !asked(s) {
		t.Error("nobody asks for the code")
	}
	if out := codex(0, "user", "reset-factor", "careful"); !strings.Contains(out, "signs in with the password alone now") { // beside the server
		t.Errorf("it says %q", out)
	}
	if asked(s) {
		t.Error("the code is still asked for")
	}
	s.stop()
}
