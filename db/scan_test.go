package db

import (
	"strings"
	"testing"
)

func TestAValueThatDoesNotFitItsFieldIsAnError(t *testing.T) {
	t.Parallel()
	d := empty(t)
	var one struct {
		N    Millis  `db:"n"`
		Text string  `db:"text"`
		Yes  bool    `db:"yes"`
		Blob []byte  `db:"blob"`
		Real float64 `db:"real"`
		None *int64  `db:"none"`
		Some *string `db:"some"`
	}
	if err := d.get(t.Context(), "fits", &one, "SELECT 7 AS n, 'words' AS text, 1 AS yes, x'00ff' AS blob, 2 AS real, NULL AS none, 'some' AS some"); err != nil {
		t.Fatal(err)
	}
	if one.N != 7 || one.Text != "words" || !one.Yes || string(one.Blob) != "\x00\xff" || one.Real != 2 || one.None != nil || *one.Some != "some" {
		t.Errorf("read %+v", one)
	}
	for query, want := range map[string]string{
		"SELECT 'seven' AS n":         "column n: a string is no db.Millis",
		"SELECT NULL AS n":            "column n: a <nil> is no db.Millis",
		"SELECT 7 AS text":            "column text: a int64 is no string",
		"SELECT 2 AS yes":             "column yes: a int64 is no bool",
		"SELECT 1 AS n, 2 AS nowhere": "no field for the column nowhere",
		"SELECT 1.5 AS n":             "column n: a float64 is no db.Millis",
	} {
		if err := d.get(t.Context(), "does not fit", &one, query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
	var small []int8
	if err := d.list(t.Context(), "too large", &small, "SELECT 300"); err == nil {
		t.Errorf("300 in eight bits is %d", small)
	}
	list := []int64{9}
	if err := d.list(t.Context(), "none", &list, "SELECT 1 WHERE 0"); err != nil || len(list) != 0 {
		t.Errorf("no rows are %v, %v", list, err)
	}
}
