package db

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each statement of the walk is explained twice: by a planner that believes in a forum of a million posts, and by one
// that has no statistics, as the readers of a new site have none until their connections are opened again.

// million is how many rows the planner believes each table to have, and for each indexed column how many values.
// A table or an indexed column that is not here fails the test: think how large it gets, and add it.
var million = map[string]struct {
	rows   int
	values map[string]int // 0: as many as rows
}{
	"settings":          {20, map[string]int{"name": 0}},
	"site_logos":        {1, map[string]int{"name": 0}},
	"members":           {200_000, map[string]int{"handle_key": 0, "email_key": 0, "id": 0, "role": 3, "bio_version": 2, "skeleton": 0, "created_at": 0, "invite_id": 2_000, "trust_due": 0, "digest_next": 0}},
	"sessions":          {400_000, map[string]int{"token_hash": 0, "member_id": 150_000, "used_at": 0, "id": 0, "expires_at": 0}},
	"channels":          {2_000, map[string]int{"slug": 0, "active_at": 0, "id": 0, "owner_id": 1_000, "created_at": 0, "rules_version": 2, "deleted_at": 0}},
	"memberships":       {2_000_000, map[string]int{"member_id": 200_000, "channel_id": 2_000, "seen_at": 0, "joined_at": 0, "role": 3}},
	"posts":             {1_000_000, map[string]int{"id": 0, "channel_id": 2_000, "author_id": 100_000, "active_at": 0, "created_at": 0, "age_class": 5, "score": 300, "pinned_at": 0, "accepted_id": 0, "lost_answer_id": 0, "duplicate_of": 0, "deleted_by": 5_000, "html_version": 2, "sweep_id": 200, "slug": 900_000}},
	"comments":          {10_000_000, map[string]int{"id": 0, "post_id": 900_000, "path": 2_000_000, "root_id": 4_000_000, "lead": 2, "score": 300, "parent_id": 3_000_000, "author_id": 150_000, "created_at": 0, "deleted_by": 5_000, "html_version": 2, "sweep_id": 200}},
	"post_reactions":    {5_000_000, map[string]int{"post_id": 800_000, "member_id": 150_000}},
	"comment_reactions": {20_000_000, map[string]int{"comment_id": 6_000_000, "member_id": 150_000, "post_id": 700_000}},
	"tags":              {30_000, map[string]int{"name": 0, "post_count": 3_000, "id": 0, "about_version": 2}},
	"post_tags":         {3_000_000, map[string]int{"tag_id": 30_000, "post_id": 950_000, "created_at": 1_000_000}},
	"reads":             {50_000_000, map[string]int{"member_id": 150_000, "post_id": 1_000_000}},
	"idempotency_keys":  {50_000, map[string]int{"member_id": 10_000, "key": 0, "created_at": 0}},
	"import_refs":       {12_000_000, map[string]int{"source": 10, "kind": 30, "ext_id": 5_000_000}},
	"goose_db_version":  {20, nil},

	"channel_requests":     {20_000, map[string]int{"channel_id": 500, "member_id": 15_000, "created_at": 0}},
	"channel_invitations":  {50_000, map[string]int{"channel_id": 1_000, "member_id": 30_000, "created_at": 0, "invited_by": 1_000}},
	"recovery_codes":       {100_000, map[string]int{"member_id": 10_000, "code_hash": 0}},
	"old_handles":          {20_000, map[string]int{"handle_key": 0, "skeleton": 0, "member_id": 15_000, "left_at": 0}},
	"invites":              {5_000, map[string]int{"token_hash": 0, "made_by": 500, "created_at": 0, "id": 0}},
	"blocks":               {300_000, map[string]int{"member_id": 50_000, "other_id": 50_000}},
	"cases":                {100_000, map[string]int{"post_id": 60_000, "comment_id": 0, "member_id": 30_000, "channel_id": 1_000, "opened_at": 0, "id": 0, "decided_at": 0, "claimed_by": 100, "decided_by": 100, "sweep_id": 200}},
	"sweeps":               {1_000, map[string]int{"id": 0, "made_by": 50}},
	"sweep_members":        {50_000, map[string]int{"sweep_id": 1_000, "member_id": 40_000}},
	"flags":                {200_000, map[string]int{"case_id": 100_000, "reporter_id": 20_000, "created_at": 0}},
	"mod_log":              {500_000, map[string]int{"at": 0, "id": 0, "actor_id": 200, "post_id": 100_000, "comment_id": 100_000, "member_id": 50_000, "channel_id": 1_000, "case_id": 100_000}},
	"staff_notes":          {20_000, map[string]int{"id": 0, "member_id": 10_000, "created_at": 0, "author_id": 100}},
	"watch_words":          {500, map[string]int{"word": 0, "added_by": 20}},
	"bans":                 {2_000, map[string]int{"kind": 2, "value": 0, "made_by": 50}},
	"drafts":               {300_000, map[string]int{"member_id": 100_000, "place": 0, "saved_at": 0}},
	"post_revisions":       {1_000_000, map[string]int{"post_id": 400_000, "id": 0, "editor_id": 80_000}},
	"comment_revisions":    {3_000_000, map[string]int{"comment_id": 2_000_000, "id": 0, "editor_id": 100_000}},
	"saves":                {1_000_000, map[string]int{"member_id": 100_000, "post_id": 300_000, "created_at": 0}},
	"post_follows":         {3_000_000, map[string]int{"member_id": 150_000, "post_id": 800_000, "level": 3}},
	"events":               {500_000, map[string]int{"topic": 50_000, "id": 0}},
	"notifications":        {5_000_000, map[string]int{"member_id": 150_000, "id": 0, "cause": 0, "post_id": 400_000, "comment_id": 1_000_000, "channel_id": 1_500, "actor_id": 100_000, "created_at": 0, "mail_due": 0}},
	"notification_choices": {100_000, map[string]int{"member_id": 20_000, "kind": 0}},
	"channel_follows":      {200_000, map[string]int{"member_id": 80_000, "channel_id": 1_500, "level": 3}},
	"jobs":                 {100_000, map[string]int{"id": 0, "kind": 8, "run_at": 0, "subject_id": 0, "expires_at": 0}},
	"webhooks":             {20, map[string]int{"id": 0}},
	"webhook_deliveries":   {500_000, map[string]int{"id": 0, "webhook_id": 20, "at": 0}},
	"mail_tokens":          {20_000, map[string]int{"member_id": 0, "purpose": 2, "token_hash": 0, "expires_at": 0}},
}

// partial is how many rows an index with a WHERE has, where that is not nearly all of its table.
var partial = map[string]int{
	"members_admins": 5, "memberships_keepers": 6_000, "posts_channel_pinned": 4_000, "posts_accepted": 300_000, "posts_lost_answer": 1_000, "posts_duplicate": 50_000,
	"posts_deleted_by": 20_000, "posts_unseen": 20_000, "comments_unseen": 200_000, "members_version": 50_000, "channels_version": 1_500, "tags_version": 5_000, "comments_top": 4_000_000, "comments_parent": 6_000_000, "comments_deleted_by": 200_000,
	"members_no_skeleton": 1_000, "members_erase": 5, "members_pending": 50, "members_trust": 500, "members_invite": 20_000, "members_address": 5_000, "posts_sweep": 20_000, "comments_sweep": 100_000,
	"cases_open_post": 300, "cases_open_comment": 1_000, "cases_open_member": 100, "cases_open": 1_400, "cases_open_channel": 1_400, "cases_claimed": 20_000,
	"mod_log_public": 300_000, "cases_sweep": 10_000, "sweeps_running": 1, "sweep_members_left": 500, "cases_decided": 98_000, "mod_log_setting": 500, "channels_deleted": 50, "channels_shut": 300, "notifications_mail": 5_000, "members_digest": 10_000,
	"jobs_dead": 500,
}

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
	"LastEvent: SCAN sqlite_sequence":                              {"", "one row for each table that gives no id twice: one"},
	"epoch: SCAN sqlite_sequence":                                  {"", "the same"},
	"oldest events: SCAN events":                                   {"", "in the order of the ids, and ends at the limit"},
	"old events: SCAN events":                                      {"", "the last id: ends at the first row"},
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

// ofAMillion is a migrated, empty database whose planner believes in a million posts.
func ofAMillion(t *testing.T) *DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	d := migrated(t, Options{Path: path})
	ctx := context.Background()
	if _, err := d.write.ExecContext(ctx, "ANALYZE"); err != nil { // makes sqlite_stat1
		t.Fatal(err)
	}
	if _, err := d.write.ExecContext(ctx, "DELETE FROM sqlite_stat1"); err != nil {
		t.Fatal(err)
	}
	var indexes []struct {
		Table string `db:"tbl"`
		Index string `db:"idx"`
	}
	if err := d.write.SelectContext(ctx, &indexes, `SELECT s.name AS tbl, COALESCE(i.name, '') AS idx FROM sqlite_schema s LEFT JOIN pragma_index_list(s.name) i
		WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%'`); err != nil {
		t.Fatal(err)
	}
	for _, i := range indexes {
		table, ok := million[i.Table]
		if !ok {
			t.Fatalf("the plan tests do not know how large the table %s gets: add it to million in plan_test.go", i.Table)
		}
		var idx any
		stat := fmt.Sprint(table.rows)
		if i.Index != "" {
			idx, stat = i.Index, statOf(t, d, i.Table, i.Index)
		}
		if _, err := d.write.ExecContext(ctx, "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", i.Table, idx, stat); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(ctx); err != nil {
		t.Fatal(err)
	}
	d, err := Open(ctx, Options{Path: path, Readers: 1}) // statistics are read with the schema
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(ctx) })
	return d
}

// statOf is the row of sqlite_stat1 for an index: its rows, then for each column from the left the mean number of rows
// that one set of values has.
func statOf(t *testing.T, d *DB, table, index string) string {
	t.Helper()
	var columns []struct {
		Name   string `db:"name"`
		Unique bool   `db:"uniq"`
	}
	if err := d.write.Select(&columns, `SELECT c.name, l."unique" AS uniq FROM pragma_index_list(?) l JOIN pragma_index_info(l.name) c WHERE l.name = ? ORDER BY c.seqno`, table, index); err != nil {
		t.Fatal(err)
	}
	rows := million[table].rows
	if n, ok := partial[index]; ok {
		rows = n
	}
	stat, distinct := fmt.Sprint(rows), 1
	for i, c := range columns {
		values, ok := million[table].values[c.Name]
		if !ok {
			t.Fatalf("the plan tests do not know how many values %s.%s has: add it to million in plan_test.go", table, c.Name)
		}
		if values == 0 || c.Unique && i == len(columns)-1 {
			distinct = rows
		}
		distinct = min(rows, distinct*max(1, values))
		stat += fmt.Sprint(" ", max(1, rows/distinct))
	}
	return stat
}

func TestNoStatementReadsOrSortsMoreThanItsPage(t *testing.T) {
	t.Parallel()
	w := walk(t)
	used := map[string]bool{}
	for name, d := range map[string]*DB{"a million posts": ofAMillion(t), "no statistics": migrated(t, Options{})} {
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
				t.Errorf("%s (%s): %s\n  %s\n  plan:\n    %s\n  An index should bound and order it, see migrations; if the input is bounded otherwise, say why in allowed of plan_test.go.",
					s.name, name, found, strings.Join(strings.Fields(query), " "), strings.Join(plan, "\n    "))
			}
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
	d := ofAMillion(t)
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
