package web_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"codex/app/apptest"
	"codex/db"
)

// giveUp makes jobs about an address that is nobody's and lets each be given up, the last one last.
func giveUp(ctx context.Context, d *db.DB, n int, why string) {
	for range n {
		done(d.AskReset(ctx, "secret-address@example.org"))
		for _, j := range take(d.ClaimJobs(ctx, []string{db.JobReset}, 1, time.Minute)) {
			take(d.FailJob(ctx, j, why, true))
		}
	}
}

func TestAnAdminSeesWhatWaitsAndDealsWithWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t) // without a mail server: what is to be sent waits
	admin := s.As("admin", db.Admin)
	page := visible(want(t, admin.Get("/admin/jobs"), 200).Body)
	for _, says := range []string{"Nothing waits", "Nothing was given up"} {
		if !strings.Contains(page, says) {
			t.Errorf("the page of no jobs does not say %q", says)
		}
	}
	giveUp(t.Context(), s.DB, 32, "no such mailbox")
	for range 3 {
		done(s.DB.AskReset(t.Context(), "secret-address@example.org"))
	}
	for _, j := range take(s.DB.ClaimJobs(t.Context(), []string{db.JobReset}, 1, time.Minute)) {
		take(s.DB.FailJob(t.Context(), j, "the server is away", false))
	}
	body := want(t, admin.Get("/admin/jobs"), 200).Body
	page = strings.Join(strings.Fields(visible(body)), " ")
	for _, says := range []string{"Letter for a forgotten password", "Nobody sends it", " 3 1 ", "no such mailbox", "1 attempt", "Older ones"} {
		if !strings.Contains(page, says) {
			t.Errorf("the page does not say %q: %s", says, page)
		}
	}
	if strings.Contains(body, "secret-address") {
		t.Error("the page shows what a job is about")
	}
	ids := func(body string) (list []string) {
		for _, m := range regexp.MustCompile(`/admin/jobs/([0-9a-f-]{36})/retry`).FindAllStringSubmatch(body, -1) {
			list = append(list, m[1])
		}
		return list
	}
	first := ids(body)
	_, older, _ := strings.Cut(body, `href="/admin/jobs?`)
	older, _, _ = strings.Cut(older, `"`)
	rest := ids(want(t, admin.Get("/admin/jobs?"+strings.ReplaceAll(older, "&amp;", "&")), 200).Body)
	if len(first) != 30 || len(rest) != 2 || strings.Contains(strings.Join(first, " "), rest[0]) {
		t.Fatalf("%d on the first page, %d on the second", len(first), len(rest))
	}

	for _, c := range []*apptest.Client{s.As("mod", db.Moderator), s.As("member", db.Plain)} {
		want(t, c.Get("/admin/jobs"), 403)
		want(t, c.Post("/admin/jobs/"+first[0]+"/drop"), 403)
	}
	for act, location := range map[string]string{"retry": "?done=retried", "drop": "?done=dropped"} {
		id := first[len(act)]
		if a := want(t, admin.Post("/admin/jobs/"+id+"/"+act), 303); a.Location != "/admin/jobs"+location {
			t.Errorf("%s leads to %s", act, a.Location)
		}
		if a := want(t, admin.Post("/admin/jobs/"+id+"/"+act), 303); a.Location != "/admin/jobs?done=gone" {
			t.Errorf("%s, once more, leads to %s", act, a.Location)
		}
	}
	want(t, admin.Post("/admin/jobs/nothing/drop"), 303)
	if n := take(s.DB.CountDeadJobs(t.Context())); n != 30 {
		t.Errorf("%d are dead, want 30", n)
	}
	if of := take(s.DB.JobsByKind(t.Context(), admin.Viewer)); fmt.Sprint(len(of), of[0].Waiting, of[0].Failed) != "1 4 2" {
		t.Errorf("%+v waits, want 4 of which 2 failed", of)
	}
	log := visible(want(t, admin.Get("/moderation/log"), 200).Body)
	for _, line := range []string{"let a job be tried again that was given up (reset-mail)", "dropped a job that was given up (reset-mail)"} {
		if strings.Count(log, line) != 1 {
			t.Errorf("the log says %q %d times", line, strings.Count(log, line))
		}
	}
	if strings.Contains(want(t, s.Guest().Get("/log"), 200).Body, "reset-mail") {
		t.Error("the log that everybody reads tells of jobs")
	}
	if !strings.Contains(visible(want(t, admin.Get("/admin"), 200).Body), "30 jobs were given up") {
		t.Error("the desk does not tell of what was given up")
	}
}
