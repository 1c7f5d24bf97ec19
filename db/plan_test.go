package db

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each statement of the walk is explained by a planner that has no statistics, as every connection is: ANALYZE is never
// run. With statistics a query has one plan today and another tomorrow, and the worst of them come from a forum that is
// young: where a table has one row the planner reads it whole, and a connection goes on with that plan while the table
// grows.

// allowed are findings that stand because their input is bounded: by the statement's name and the finding. Where with
// is not empty, the plan must have that step too, so that another query of the same name is not let through.
var allowed = map[string]struct{ with, why string }{
	"Settings: SCAN settings USING INDEX sqlite_autoindex_settings_1": {"", "as many as the forum has, with a limit"},
	"FillSkeletons: SCAN members USING INDEX members_no_skeleton":     {"", "in the order of the index, and ends at the limit"},
	"SettingChanges: SCAN l USING INDEX mod_log_setting":              {"", "in the order of the index, and ends at the limit"},
	"EraseLeft: SCAN members USING INDEX members_erase":               {"", "the members whose deletion is under way, with a limit"},
	"RunningSweep: SCAN sweeps USING INDEX sweeps_running":            {"", "those that run: none, or one or two"},
	"Sweeps: SCAN s": {"", "in the order of the ids, and ends at the limit"},
	"WatchWords: SCAN w USING INDEX sqlite_autoindex_watch_words_1":                    {"", "at most MaxWatchWords"},
	"watch list: SCAN watch_words USING COVERING INDEX sqlite_autoindex_watch_words_1": {"", "at most MaxWatchWords"},
	"watch list: COUNT(*)": {"", "at most MaxWatchWords"},
	"AwaitingOf: SCAN q USING COVERING INDEX cases_open_channel":   {"", "the open ones, and ends at the limit"},
	"Posts: SCAN c USING INDEX channels_shut":                      {"", "the private and deleted channels of a site"},
	"WaveSince: COUNT(*)":                                          {"", "at most MaxSweep members, whom the moderator is about to sweep"},
	"WaveSince: SUM(x.post_count)":                                 {"", "the same"},
	"WaveSince: SUM(x.comment_count)":                              {"", "the same"},
	"Rail: USE TEMP B-TREE FOR ORDER BY":                           {"CO-ROUTINE ms", "30 channels, by name"},
	"ChannelsOf: USE TEMP B-TREE FOR ORDER BY":                     {"CO-ROUTINE ms", "200 channels of one member"},
	"Rail: SCAN c USING INDEX channels_active":                     {"", "a guest's: in the order of the index, and ends at the 12th"},
	"Posts: USE TEMP B-TREE FOR ORDER BY":                          {"CO-ROUTINE top", "ids alone: a page from each of HomeChannels channels and five age classes"},
	"admins: COUNT(*)":                                             {"SEARCH members USING INDEX members_admins (role=?)", "the admins of a site"},
	"ended bans: SCAN bans":                                        {"", "at most maxOutsideBans, when staff ban another"},
	"bans: SCAN bans USING COVERING INDEX sqlite_autoindex_bans_1": {"", "the same"},
	"TrustLikes: USE TEMP B-TREE FOR count(DISTINCT)":              {"", "at most likesLook of posts and of comments"},
	"UsersOf: SCAN sessions":                                       {"", "in the order of the ids, and ends at the limit"},
	"UnseenBy: USE TEMP B-TREE FOR ORDER BY":                       {"COMPOUND QUERY", "the newest of a member's texts that are not shown, 400 at most"},
	"WrittenBy: USE TEMP B-TREE FOR ORDER BY":                      {"COMPOUND QUERY", "two pages merged into one"},
	"Unread: USE TEMP B-TREE FOR count(DISTINCT)":                  {"SEARCH u USING INDEX notifications_unread (member_id=?)", "the newest 100 of what a member has not read"},
	"viewerInMemory: USE TEMP B-TREE FOR count(DISTINCT)":          {"SEARCH u USING INDEX notifications_unread (member_id=?)", "the same"},
	"Counted: USE TEMP B-TREE FOR count(DISTINCT)":                 {"SEARCH u USING INDEX notifications_unread (member_id=?)", "the same"},
	"for everybody: SCAN webhooks EXISTS":                          {"", "MaxWebhooks at most"},
	"comment: SCAN comments":                                       {"SCALAR SUBQUERY 1", "the last row alone, for the id that comes next"},
	"DigestFor: USE TEMP B-TREE FOR count(DISTINCT)":               {"SEARCH u USING INDEX notifications_unread (member_id=?)", "the same"},
	"ViewerBySession: USE TEMP B-TREE FOR count(DISTINCT)":         {"SEARCH u USING INDEX notifications_unread (member_id=?)", "the same"},
	"post: SCAN webhooks":                                          {"", "the same"},
	"webhooks: SCAN webhooks":                                      {"", "at most MaxWebhooks"},
	"Webhooks: SCAN webhooks":                                      {"", "the same"},
	"LastEvent: SCAN events":                                       {"", "the last id: ends at the first row"},
	"epoch: SCAN events":                                           {"", "the same"},
	"oldest events: SCAN events":                                   {"", "in the order of the ids, and ends at the limit"},
	"old events: SCAN events":                                      {"", "the last id: ends at the first row"},
	"keys: SCAN idempotency_keys":                                  {"", "in the order of the ids, and ends at the limit"},
	"OldestEvent: SCAN events":                                     {"", "the first id: ends at the first row"},
	"owner: MIN(id)":                                               {"SEARCH members USING INDEX members_admins (role=?)", "the first entry of the index"},
	"CountDeadJobs: SCAN jobs USING COVERING INDEX jobs_dead":      {"", "ends at the limit"},
	"JobsByKind: COUNT(*)":                                         {"CO-ROUTINE x", "the first MostJobs of a kind"},
	"JobsByKind: MIN(created_at)":                                  {"CO-ROUTINE x", "the same"},
	"CountImportRefs: COUNT(*)":                                    {"", "counts what an import will do anyway; no page asks"},
	"ImportedReplies: USE TEMP B-TREE FOR ORDER BY":                {"", "one thread, in an import; no page asks"},
}

// whole are statements that may read whole tables, and why.
var whole = map[string]string{
	"Sums":                "a backup's comparison: no page asks",
	"posts of authors":    "counts what a channel holds, when it is made private or public again",
	"comments of authors": "the same",
	"posts of tags":       "the same",
	"inhabited":           "each EXISTS ends at its first row, before a demonstration is loaded",
}

var (
	scan    = regexp.MustCompile(`^SCAN (\S+)`)
	derived = regexp.MustCompile(`^(?:MATERIALIZE|CO-ROUTINE) (\S+)`)
	counts  = regexp.MustCompile(`(?i)\b(COUNT|SUM|MIN|MAX|AVG|GROUP_CONCAT|TOTAL)\s*\(\s*(\*|[a-z_.]+|DISTINCT[^)]*)\s*\)`)
)

// judge lists what is wrong with a plan: loops over a whole table or index, sorts, indexes made for one query, and
// aggregates, whose plan does not say how many rows they read.
func judge(query string, plan []string) (found []string) {
	made := map[string]bool{"CONSTANT": true}
	for _, step := range plan {
		if m := derived.FindStringSubmatch(step); m != nil {
			made[m[1]] = true // a subquery's result: its own plan is judged too
		}
	}
	for _, step := range plan {
		if m := scan.FindStringSubmatch(step); m != nil && !made[m[1]] && !strings.Contains(step, "CONSTANT ROW") {
			found = append(found, step)
		}
		if strings.Contains(step, "USE TEMP B-TREE") || strings.Contains(step, "AUTOMATIC") {
			found = append(found, step)
		}
	}
	for _, at := range counts.FindAllStringIndex(query, -1) {
		// COUNT(*) FROM (SELECT 1 … LIMIT n) is bounded; judged by the text, because the plan does not show a LIMIT.
		if !strings.Contains(after(query[at[1]:]), "LIMIT") {
			found = append(found, query[at[0]:at[1]])
		}
	}
	return found
}

// after is the subquery that an aggregate counts, when it counts one: FROM (…).
func after(rest string) string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(rest), "FROM (")
	if !ok {
		return ""
	}
	depth := 1
	for i, r := range rest {
		switch r {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return rest[:i]
			}
		}
	}
	return rest
}

// explained is SQLite's plan for a statement, a line a step.
func explained(t *testing.T, d *DB, query string, args []any) (plan []string) {
	t.Helper()
	rows, err := d.write.Query("EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("explain %s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, step)
	}
	return plan
}

func TestNoStatementReadsOrSortsMoreThanItsPage(t *testing.T) {
	t.Parallel()
	w := walk(t)
	used := map[string]bool{}
	d := migrated(t, Options{})
	for _, query := range slices.Sorted(maps.Keys(w.sent)) {
		s := w.sent[query]
		if strings.HasPrefix(query, "PRAGMA") || whole[s.name] != "" {
			continue
		}
		plan := explained(t, d, query, s.args)
		for _, found := range judge(query, plan) {
			key := s.name + ": " + found
			if a, ok := allowed[key]; ok && (a.with == "" || slices.Contains(plan, a.with)) {
				used[key] = true
				continue
			}
			t.Errorf("%s: %s\n  %s\n  plan:\n    %s\n  An index should bound and order it, see migrations; if the input is bounded otherwise, say why in allowed of plan_test.go.",
				s.name, found, strings.Join(strings.Fields(query), " "), strings.Join(plan, "\n    "))
		}
	}
	for key := range allowed {
		if !used[key] {
			t.Errorf("allowed has %q, which no plan shows any more", key)
		}
	}
}

func TestABadQueryIsCaught(t *testing.T) {
	t.Parallel()
	d := migrated(t, Options{})
	for query, want := range map[string]string{
		"SELECT id, title FROM posts WHERE title LIKE 'a%' LIMIT 10":                                      "SCAN posts",
		"SELECT id FROM posts WHERE channel_id = 1 AND deleted_at IS NULL ORDER BY title LIMIT 10":        "USE TEMP B-TREE FOR ORDER BY",
		"SELECT id FROM posts WHERE deleted_at IS NULL ORDER BY active_at DESC LIMIT 10 OFFSET 1000":      "SCAN posts",
		"SELECT DISTINCT author_id FROM comments WHERE post_id = 1":                                       "USE TEMP B-TREE FOR DISTINCT",
		"SELECT COUNT(*) FROM comments WHERE author_id = 1 AND deleted_at IS NULL":                        "COUNT(*)",
		"SELECT k.id FROM comments k JOIN posts p ON p.id = k.post_id ORDER BY k.created_at DESC LIMIT 5": "USE TEMP B-TREE FOR ORDER BY",
		"SELECT p.id FROM posts p JOIN members m ON m.name = p.source_author WHERE p.id = 1":              "SCAN m",
		"UPDATE posts SET age_class = 1 WHERE title = 'x'":                                                "SCAN posts",
	} {
		found := judge(query, explained(t, d, query, nil))
		if !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, want) }) {
			t.Errorf("%s: found %q, want %s", query, found, want)
		}
	}
	for _, query := range []string{
		"SELECT id FROM posts WHERE (active_at, id) < (5, 5) AND deleted_at IS NULL ORDER BY active_at DESC, id DESC LIMIT 10",
		"SELECT COUNT(*) FROM (SELECT 1 FROM comments WHERE post_id = 1 LIMIT 200) x",
	} {
		if found := judge(query, explained(t, d, query, nil)); len(found) > 0 {
			t.Errorf("%s: found %q in a good query", query, found)
		}
	}
}
