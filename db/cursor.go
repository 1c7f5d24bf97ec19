package db

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Cursor is the place in a listing after which a page begins: the sort key and the id of the last row before it.
// The zero Cursor is the start. All paging is by key: no OFFSET, so page 1,000 costs what page 1 costs.
type Cursor struct {
	Key int64
	ID  int64
	set bool
}

// NewCursor is the cursor after a row.
func NewCursor(key, id int64) Cursor { return Cursor{key, id, true} }

// IsZero reports the start of the list.
func (c Cursor) IsZero() bool { return !c.set }

// String is the form that stands in a URL; empty for the start.
func (c Cursor) String() string {
	if !c.set {
		return ""
	}
	return strconv.FormatInt(c.Key, 36) + "." + strconv.FormatInt(c.ID, 36)
}

// ParseCursor reads what String wrote.
func ParseCursor(s string) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	k, i, ok := strings.Cut(s, ".")
	key, err1 := strconv.ParseInt(k, 36, 64)
	id, err2 := strconv.ParseInt(i, 36, 64)
	if !ok || err1 != nil || err2 != nil {
		return Cursor{}, fmt.Errorf("cursor %.40q: %w", s, ErrNotFound)
	}
	return NewCursor(key, id), nil
}

// start is the cursor for a descending list: above everything for the zero Cursor.
func (c Cursor) start() (key, id int64) {
	if !c.set {
		return math.MaxInt64, math.MaxInt64
	}
	return c.Key, c.ID
}
