package web_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/app/config"
	"codex/db"
)

// What the README says is to be put in front of the forum, as far as it is about streams; and an nginx of whom nobody has
// said anything, which holds back what it can and speaks HTTP/1.0.
const (
	nginxOfTheReadme = `proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_set_header X-Forwarded-Proto $scheme;`
	nginxOfNobody = `proxy_set_header Host $http_host; proxy_buffers 16 64k;`
)

func TestStreamsComeThroughProxiesAtOnce(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		program string
		args    func(dir, listen, forum string) []string
	}{
		"nginx":           {"nginx", nginx(nginxOfTheReadme)},
		"nginx by itself": {"nginx", nginx(nginxOfNobody)},
		"Caddy":           {"caddy", caddy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(of.program)
			if err != nil {
				t.Skipf("%s is not installed", of.program)
			}
			at := take(net.Listen("tcp", "127.0.0.1:0"))
			listen := at.Addr().String()
			done(at.Close())
			s := apptest.Start(t, func(c *config.Config) { c.TrustedProxies = []string{"127.0.0.1/32"} })
			dir := t.TempDir()
			ctx, stop := context.WithCancel(t.Context())
			cmd := exec.CommandContext(ctx, program, of.args(dir, listen, strings.TrimPrefix(s.URL, "http://"))...)
			cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
			cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
			cmd.WaitDelay = 5 * time.Second
			done(cmd.Start())
			t.Cleanup(func() { stop(); _ = cmd.Wait() })
			eventually(t, of.program+" answers", func() bool {
				res, err := http.Get("http://" + listen + "/healthz")
				return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
			})
			comesThrough(t, s, "http://"+listen)
		})
	}
}

// comesThrough writes comments and hears them through a proxy.
func comesThrough(t *testing.T, s *apptest.Site, proxy string) {
	t.Helper()
	author := s.As("author", db.Plain)
	id := fmt.Sprint(postID(t, author.Write(author.Channel("bread"), "Rye", "How long?")))
	behind := *s
	behind.URL = proxy
	l := behind.Guest().Listen("/events?topic=post:"+id, "Accept-Encoding", "gzip")
	if l.Status != http.StatusOK || l.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", l.Status, l.Header)
	}
	l.Next("presence")
	var slowest time.Duration
	for i := range 20 {
		began := time.Now()
		want(t, author.Post("/p/"+id+"/comments", "body", fmt.Sprint("short ", i)), 303)
		if h := l.Next("comment"); !strings.Contains(h.Data, fmt.Sprint("short ", i)) {
			t.Errorf("comment %d came as %+v", i, h)
		}
		slowest = max(slowest, time.Since(began))
	}
	if t.Logf("the slowest of 20 comments took %v", slowest); slowest > 2*time.Second {
		t.Errorf("a comment took %v: the proxy holds events back", slowest)
	}
	s.Stop()
	if l.Next("bye"); !l.Ended(5 * time.Second) {
		t.Error("the stream goes on after the farewell")
	}
}

func nginx(lines string) func(dir, listen, forum string) []string {
	return func(dir, listen, forum string) []string {
		file := filepath.Join(dir, "nginx.conf")
		done(os.WriteFile(file, fmt.Appendf(nil, `daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/1; proxy_temp_path %[1]s/2; fastcgi_temp_path %[1]s/3; uwsgi_temp_path %[1]s/4; scgi_temp_path %[1]s/5;
	server {
		listen %[2]s;
		location / {
			proxy_pass http://%[3]s;
			%[4]s
		}
	}
}
`, dir, listen, forum, lines), 0o600))
		return []string{"-e", "stderr", "-c", file, "-p", dir}
	}
}

func caddy(dir, listen, forum string) []string {
	file := filepath.Join(dir, "Caddyfile")
	done(os.WriteFile(file, fmt.Appendf(nil, "{\n\tadmin off\n}\nhttp://%s {\n\tencode zstd gzip\n\treverse_proxy %s\n}\n", listen, forum), 0o600))
	return []string{"run", "--config", file, "--adapter", "caddyfile"}
}
