package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
)

// reader is what an independent implementation makes of a stream: npm's eventsource, which other forums' clients use.
const reader = `
const { EventSource } = require('eventsource');
const source = new EventSource(process.argv[1]);
setInterval(() => {}, 1000); // its wait for a server that is down does not keep the process
for (const name of ['comment', 'presence', 'reset']) {
  source.addEventListener(name, (e) => console.log(JSON.stringify({ id: Number(e.lastEventId), name, data: e.data })));
}
`

// TestAnotherReaderHearsTheSame holds our own reader of streams, which the other tests trust, against another one: under
// texts that are made to be misread, and over a kill of the server.
func TestAnotherReaderHearsTheSame(t *testing.T) {
	t.Parallel()
	if err := exec.CommandContext(t.Context(), "node", "-e", "require('eventsource')").Run(); err != nil {
		t.Skipf("node does not find eventsource (npm install eventsource, and NODE_PATH): %v", err)
	}
	at := freePort(t)
	dir, s := forum(t, "--addr", at)
	post := s.mustPost("/c/room/posts", "title", "Read by others", "body", "x")
	comments := strings.Join(strings.Split(post, "/")[:3], "/") + "/comments"
	e := s.listen(post)
	node := exec.CommandContext(t.Context(), "node", "-e", reader, e.url)
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = node.Process.Kill(); _ = node.Wait() }()
	type event struct {
		ID         int64
		Name, Data string
	}
	theirs := make(chan event, 100)
	go func() { // ends with the process
		defer close(theirs)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var h event
			if json.Unmarshal(lines.Bytes(), &h) == nil {
				theirs <- h
			}
		}
	}()
	<-theirs // how many are here: it listens
	texts := []string{"plain", "a\rdata: x\r\revent: reset\r\rb", "a\r\n\r\nevent: reset\r\n\r\nb", "a\n\nid: 5\n\ndata: z", "a\u2028\u2029\u0085b", ": a comment", "```\na\n\n\nb\n```", "a\x00b"}
	for _, text := range texts {
		s.mustPost(comments, "body", text)
	}
	_ = s.cmd.Process.Kill()
	<-s.done
	s = serve(t, dir, "--addr", at)
	s.signIn()
	s.mustPost(comments, "body", "after the kill")

	ours := map[int64]string{}
	client := &http.Client{Timeout: time.Second} // the end of a stream
	res, err := client.Get(e.url)
	if err != nil {
		t.Fatal(err)
	}
	apptest.ReadEvents(bufio.NewReader(res.Body), func(h apptest.Heard) {
		if h.Name == "comment" {
			ours[h.ID] = h.Data
		}
	})
	_ = res.Body.Close()
	if len(ours) != len(texts)+1 {
		t.Fatalf("our own reader hears %d comments", len(ours))
	}
	heard := map[int64]bool{}
	for deadline := time.After(20 * time.Second); len(heard) < len(ours); {
		select {
		case h, runs := <-theirs:
			switch {
			case !runs:
				t.Fatal("the other reader has ended")
			case h.Name == "reset":
				t.Fatal("the other reader is sent a reset")
			case h.Name != "comment":
			case heard[h.ID]:
				t.Errorf("the other reader hears %d twice", h.ID)
			case h.Data != ours[h.ID]:
				t.Errorf("%d is %s to the other reader, and %s to ours", h.ID, fmt.Sprintf("%q", h.Data), fmt.Sprintf("%q", ours[h.ID]))
			default:
				heard[h.ID] = true
			}
		case <-deadline:
			for id := range heard {
				delete(ours, id)
			}
			t.Fatalf("the other reader hears %d comments, and not %v", len(heard), ours)
		}
	}
	s.stop()
}
