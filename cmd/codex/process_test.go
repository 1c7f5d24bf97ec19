package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"codex/app"
)

// The tests of this package run the command as a process of its own: the test binary again, told to be codex.
func TestMain(m *testing.M) {
	if os.Getenv("CODEX_TEST_BE_CODEX") == "1" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// command is codex with these arguments, killed when the test ends.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), "CODEX_TEST_BE_CODEX=1")
	return c
}

// execute runs a command to its end.
func execute(t *testing.T, stdin string, args ...string) (out string, code int) {
	t.Helper()
	c := command(t, args...)
	c.Stdin = strings.NewReader(stdin)
	both, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("codex %v: %v", args, err)
	}
	return string(both), c.ProcessState.ExitCode()
}

// server is a codex serve that answers.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	out  *output
	done chan struct{} // closed when the process has ended
	http *http.Client
}

// output is what a process has printed so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

var addressLine = regexp.MustCompile(`Codex is at +(http://\S+)`)

// serve starts a server on the data directory and waits until it says where it is.
func serve(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	s := &server{t: t, out: new(output), done: make(chan struct{})}
	s.cmd = command(t, append([]string{"serve", "--data", dir, "--addr", "127.0.0.1:0", "--rate-limits", "off"}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.done) }()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if m := addressLine.FindStringSubmatch(s.out.String()); m != nil {
			s.url = m[1]
			break
		}
		select {
		case <-s.done:
			t.Fatalf("serve ended: %s", s.out)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("serve does not answer: %s", s.out)
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.http = &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// ended waits for the end and answers the exit code.
func (s *server) ended() int {
	s.t.Helper()
	select {
	case <-s.done:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(30 * time.Second):
		s.t.Fatalf("the server does not end: %s", s.out)
		return 0
	}
}

// stop ends the server cleanly.
func (s *server) stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	if code := s.ended(); code != 0 {
		s.t.Fatalf("exit code %d: %s", code, s.out)
	}
}

func (s *server) post(path string, form url.Values) (*http.Response, error) {
	r, err := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res, errors.Join(err, res.Body.Close())
}

func (s *server) mustPost(path string, pairs ...string) string {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	res, err := s.post(path, form)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("POST %s: %d\n%s", path, res.StatusCode, s.out)
	}
	return res.Header.Get("Location")
}

func (s *server) get(path string) (status int, body string) {
	s.t.Helper()
	res, err := s.http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

const ownerPassword = "a long enough password"

// forum makes a data directory with an owner, who signs in, and a channel.
func forum(t *testing.T, args ...string) (dir string, s *server) {
	t.Helper()
	dir = t.TempDir()
	if out, code := execute(t, ownerPassword+"\n", "user", "add", "owner", "--email", "owner@example.org", "--role", "admin", "--data", dir); code != 0 {
		t.Fatalf("user add: %s", out)
	}
	s = serve(t, dir, args...)
	s.signIn()
	s.mustPost("/c", "slug", "room", "name", "Room", "description", "A room")
	return dir, s
}

func (s *server) signIn() {
	s.t.Helper()
	s.mustPost("/login", "login", "owner", "password", ownerPassword)
}

// slowPost begins a post whose body does not end until finish is called: a request that runs.
func (s *server) slowPost(title string) (finish func() (int, error)) {
	s.t.Helper()
	body, w := io.Pipe()
	form := url.Values{"title": {title}, "body": {"Slowly written."}}.Encode()
	r, err := http.NewRequest(http.MethodPost, s.url+"/c/room/posts", body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	type answer struct {
		status int
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		res, err := s.http.Do(r)
		if err != nil {
			answered <- answer{0, err}
			return
		}
		_ = res.Body.Close()
		answered <- answer{res.StatusCode, nil}
	}()
	if _, err := io.WriteString(w, form[:10]); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // until the server has the head; the test is right also when it has not
	return func() (int, error) {
		_, err := io.WriteString(w, form[10:])
		_ = w.Close()
		a := <-answered
		return a.status, errors.Join(a.err, err)
	}
}

func TestAStopLetsRunningRequestsFinish(t *testing.T) {
	t.Parallel()
	dir, s := forum(t)
	finish := s.slowPost("Written while stopping")
	s.signal(syscall.SIGTERM)

	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if status, _ := s.get("/readyz"); status == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("/readyz does not say 503 while stopping")
		}
	}
	if status, body := s.get("/"); status != http.StatusServiceUnavailable {
		t.Errorf("a new request while stopping: %d %s", status, body)
	}
	if status, err := finish(); err != nil || status != http.StatusSeeOther {
		t.Errorf("the running request: %d %v, want 303", status, err)
	}
	if code := s.ended(); code != 0 {
		t.Errorf("exit code %d, want 0: %s", code, s.out)
	}
	if _, err := os.Stat(filepath.Join(dir, "codex.db-wal")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the WAL is not folded into the database: %v", err)
	}

	again := serve(t, dir)
	if _, body := again.get("/c/room"); !strings.Contains(body, "Written while stopping") {
		t.Error("what was acknowledged while stopping is not there")
	}
	again.stop()
}

func TestASecondSignalForcesTheStop(t *testing.T) {
	t.Parallel()
	_, s := forum(t)
	finish := s.slowPost("Never finished")
	s.signal(syscall.SIGTERM)
	time.Sleep(300 * time.Millisecond)
	select {
	case <-s.done:
		t.Fatalf("the first signal did not wait: %s", s.out)
	default:
	}
	s.signal(syscall.SIGTERM)
	if code := s.ended(); code != 1 || !strings.Contains(s.out.String(), "stopped with 1 requests still running") {
		t.Errorf("exit code %d: %s", code, s.out)
	}
	if status, err := finish(); err == nil {
		t.Errorf("the cut request was answered with %d", status)
	}
}

func TestTheEndOfTheBudgetForcesTheStop(t *testing.T) {
	t.Parallel()
	_, s := forum(t, "--shutdown-timeout", "300ms")
	finish := s.slowPost("Never finished")
	s.signal(syscall.SIGTERM)
	if code := s.ended(); code != 1 {
		t.Errorf("exit code %d, want 1: %s", code, s.out)
	}
	_, _ = finish()
}

// snapshot is the content of every file in a directory but the lock, which is empty.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "codex.lock" {
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func same(a, b map[string]string) error {
	for name := range a {
		if _, ok := b[name]; !ok {
			return fmt.Errorf("%s is gone", name)
		}
	}
	for name, content := range b {
		before, ok := a[name]
		if !ok {
			return fmt.Errorf("%s is new", name)
		}
		if before != content {
			return fmt.Errorf("%s has changed", name)
		}
	}
	return nil
}

// ready is a data directory of a forum that was stopped cleanly.
func ready(t *testing.T) string {
	t.Helper()
	dir, s := forum(t)
	s.mustPost("/c/room/posts", "title", "Something to lose", "body", strings.Repeat("words and words.\n\n", 500))
	s.stop()
	return dir
}

func TestAStartThatCannotBeIsOneSentenceAndWritesNothing(t *testing.T) {
	t.Parallel()
	dir := ready(t)
	database := filepath.Join(dir, "codex.db")
	whole, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dir string
		damage    func() []byte // what the database becomes
		says      string
	}{
		{"a directory that cannot be made", filepath.Join(blocked, "data"), nil, "cannot be made"},
		{"an emptied database", dir, func() []byte { return nil }, "is empty, but this directory held a forum"},
		{"another kind of file", dir, func() []byte { return []byte(strings.Repeat("not a database. ", 4096)) }, "is damaged"},
		{"a page of noise", dir, func() []byte {
			b := bytes.Clone(whole)
			for i := len(b) / 2; i < len(b)/2+8192 && i < len(b); i++ {
				b[i] = byte(i * 7)
			}
			return b
		}, "is damaged"},
		{"a database cut short", dir, func() []byte { return whole[:len(whole)/2] }, "is damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.damage != nil {
				if err := os.WriteFile(database, c.damage(), 0o600); err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := os.WriteFile(database, whole, 0o600); err != nil {
						t.Fatal(err)
					}
				}()
			}
			before := snapshot(t, dir)
			out, code := execute(t, "", "serve", "--data", c.dir, "--addr", "127.0.0.1:0")
			if code != 1 || !strings.Contains(out, c.says) {
				t.Errorf("exit code %d, says %q, want 1 and %q", code, out, c.says)
			}
			if strings.Count(strings.TrimSpace(out), "\n") > 0 {
				t.Errorf("more than a sentence: %q", out)
			}
			if err := same(before, snapshot(t, dir)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestATakenPortIsRefused(t *testing.T) {
	t.Parallel()
	_, s := forum(t)
	other := t.TempDir()
	out, code := execute(t, "", "serve", "--data", other, "--addr", strings.Replace(strings.TrimPrefix(s.url, "http://"), "localhost", "127.0.0.1", 1))
	if code != 1 || !strings.Contains(out, "cannot listen on") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if files := snapshot(t, other); len(files) > 0 {
		t.Errorf("written: %v", files)
	}
	s.stop()
}

func TestOneServerToADirectory(t *testing.T) {
	t.Parallel()
	dir, s := forum(t)
	for _, args := range [][]string{
		{"serve", "--data", dir, "--addr", "127.0.0.1:0"},
		{"migrate", "--data", dir},
		{"restore", "--data", dir, os.Args[0]},
	} {
		if out, code := execute(t, "", args...); code != 1 || !strings.Contains(out, "running on") {
			t.Errorf("codex %s beside a server: exit code %d: %s", args[0], code, out)
		}
	}
	if out, code := execute(t, "", "migrate", "status", "--data", dir); code != 0 || !strings.Contains(out, "001_init.sql") {
		t.Errorf("migrate status beside a server: exit code %d: %s", code, out)
	}
	s.stop()
}

func TestBackupOfARunningSiteGoesBackIntoADamagedOne(t *testing.T) {
	t.Parallel()
	dir, s := forum(t)
	s.mustPost("/c/room/posts", "title", "In the backup", "body", "x")
	file := filepath.Join(t.TempDir(), "site.backup")
	if out, code := execute(t, "", "backup", file, "--data", dir); code != 0 || !strings.Contains(out, "1 members, 1 posts") {
		t.Fatalf("backup: exit code %d: %s", code, out)
	}
	if out, code := execute(t, "", "backup", file, "--data", dir); code != 1 || !strings.Contains(out, "is there already") {
		t.Errorf("backup over a backup: exit code %d: %s", code, out)
	}
	s.mustPost("/c/room/posts", "title", "After the backup", "body", "x")
	s.stop()

	if err := os.Truncate(filepath.Join(dir, "codex.db"), 0); err != nil {
		t.Fatal(err)
	}
	if out, code := execute(t, "", "doctor", "--data", dir); code != 1 || !strings.Contains(out, "codex restore FILE") {
		t.Errorf("doctor on an emptied database: exit code %d: %s", code, out)
	}
	if out, code := execute(t, "", "restore", file, "--data", dir); code != 0 || !strings.Contains(out, "1 posts") {
		t.Fatalf("restore: exit code %d: %s", code, out)
	}
	if out, code := execute(t, "", "doctor", "--data", dir); code != 0 || !strings.Contains(out, "sound") {
		t.Errorf("doctor after the restore: exit code %d: %s", code, out)
	}
	again := serve(t, dir)
	if _, body := again.get("/c/room"); !strings.Contains(body, "In the backup") || strings.Contains(body, "After the backup") {
		t.Error("the site is not as it was backed up")
	}
	// A session of the backup may have ended since.
	again.http.Jar = s.http.Jar
	if status, _ := again.get("/settings"); status != http.StatusSeeOther {
		t.Error("a session that was stored in the backup opens the site")
	}
	again.stop()
}

func TestCommandsSayHowTheyAreUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		args  []string
		stdin string
		code  int
		says  string
	}{
		{[]string{"frobnicate"}, "", 2, "unexpected argument"},
		{[]string{"serve", "--addr", "nonsense", "--data", dir}, "", 2, "CODEX_ADDR"},
		{[]string{"user", "add", "x y", "--email", "a@example.org", "--data", dir}, "long enough password\n", 2, "is no handle"},
		{[]string{"user", "add", "anna", "--email", "a@example.org", "--data", dir}, "short\n", 2, "8 to 256"},
		{[]string{"user", "add", "anna", "--email", "a@example.org", "--data", dir}, "long enough password\n", 0, "Added anna"},
		{[]string{"user", "add", "Anna", "--email", "b@example.org", "--data", dir}, "long enough password\n", 1, "is taken"},
		{[]string{"user", "role", "anna", "moderator", "--data", dir}, "", 0, "moderator now"},
		{[]string{"user", "role", "nobody", "admin", "--data", dir}, "", 1, "no member nobody"},
		{[]string{"user", "password", "anna", "--data", dir}, "another long password\n", 0, "is changed"},
		{[]string{"version"}, "", 0, "SQLite 3."},
	} {
		if out, code := execute(t, c.stdin, c.args...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("codex %s: exit code %d, want %d with %q: %s", strings.Join(c.args, " "), code, c.code, c.says, out)
		}
	}
}

var tokenLine = regexp.MustCompile(`(?m)^ {6}(\S{30,})$`)

func TestTheSetupTokenMakesTheFirstAdministrator(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, dir)
	var m []string // it is printed after the address
	for deadline := time.Now().Add(5 * time.Second); m == nil; time.Sleep(5 * time.Millisecond) {
		if m = tokenLine.FindStringSubmatch(s.out.String()); m == nil && time.Now().After(deadline) {
			t.Fatalf("no token printed: %s", s.out)
		}
	}
	form := func(handle, token string) url.Values {
		return url.Values{"handle": {handle}, "email": {handle + "@example.org"}, "password": {ownerPassword}, "token": {token}}
	}
	if res, err := s.post("/register", form("thief", "guessed")); err != nil || res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a guessed token: %v %v", res, err)
	}
	if res, err := s.post("/register", form("first", m[1])); err != nil || res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the token: %v %v", res, err)
	}
	if status, body := s.get("/u/first"); status != 200 || !strings.Contains(body, "Administrator") {
		t.Errorf("not an administrator: %d", status)
	}
	s.http.Jar, _ = cookiejar.New(nil)
	if res, err := s.post("/register", form("second", m[1])); err != nil || res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the token a second time: %v %v", res, err)
	}
	s.stop()
	again := serve(t, dir)
	if tokenLine.MatchString(again.out.String()) {
		t.Error("a token is printed though there is an administrator")
	}
	again.stop()
}

func TestAServerStartsBesideACommandAndARestoreDoesNot(t *testing.T) {
	t.Parallel()
	dir := ready(t)
	file := filepath.Join(t.TempDir(), "site.backup")
	if out, code := execute(t, "", "backup", file, "--data", dir); code != 0 {
		t.Fatalf("backup: %s", out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a backup holds password hashes, and others may read it: %v %v", info.Mode(), err)
	}
	site, err := app.OpenSite(t.Context(), app.SiteOptions{Dir: dir, Migrations: migrations(), Migrate: true}) // as an import does
	if err != nil {
		t.Fatal(err)
	}
	if out, code := execute(t, "", "restore", file, "--data", dir); code != 1 || !strings.Contains(out, "another command is running on") {
		t.Errorf("restore beside a command: exit code %d: %s", code, out)
	}
	if err := site.Importing(); err != nil {
		t.Fatal(err)
	}
	dump := t.TempDir()
	for name, content := range map[string]string{"Users.xml": "<users></users>", "Posts.xml": "<posts></posts>"} {
		if err := os.WriteFile(filepath.Join(dump, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, code := execute(t, "", "import", "stackexchange", dump, "--channel", "x", "--site", "https://x.stackexchange.com", "--data", dir); code != 1 || !strings.Contains(out, "another import is running") {
		t.Errorf("an import beside an import: exit code %d: %s", code, out)
	}
	s := serve(t, dir)
	s.stop()
	if err := site.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out, code := execute(t, "", "restore", filepath.Join(dir, "codex.db"), "--data", t.TempDir()); code != 0 {
		t.Errorf("a database without a log is a copy: exit code %d: %s", code, out)
	}
	if out, code := execute(t, "", "restore", filepath.Join(dir, "codex.db"), "--data", dir); code != 1 || !strings.Contains(out, "is a database in use") {
		t.Errorf("restore of a database onto itself: exit code %d: %s", code, out)
	}
	if out, code := execute(t, "", "backup", filepath.Join(t.TempDir(), "x"), "--data", t.TempDir()); code != 1 || !strings.Contains(out, "there is no forum in") {
		t.Errorf("backup of nothing: exit code %d: %s", code, out)
	}
}
