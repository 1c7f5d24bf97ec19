package db

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/jmoiron/sqlx"
	"github.com/jmoiron/sqlx/reflectx"
)

// This file puts rows into structs. sqlx finds the field of a column, by its name or its tag; but it looks for them at
// every query, and leaves the values to database/sql, which makes a text of each number to read it into a field of a
// named type. Here the fields are found once a statement, and a value is stored as what it is: one that does not fit its
// field is an error and is not converted.

// statement is one that is kept, with the layout of the struct that it was last read into: of one statement it is always
// the same one.
type statement struct {
	*sqlx.Stmt
	layout atomic.Pointer[layout]
}

// layout is where the columns of a statement go in a type.
type layout struct {
	of     reflect.Type
	fields [][]int // by column: the way through embedded structs; empty: the type itself is the value
}

// row makes what a layout needs to read the rows of one query.
type row struct {
	layout *layout
	values []any
	into   []any // pointers to values
}

// layoutOf finds the layout of a type for a statement's rows.
func (s *statement) layoutOf(t reflect.Type, rows *sql.Rows, mapper *reflectx.Mapper) (*layout, error) {
	if l := s.layout.Load(); l != nil && l.of == t {
		return l, nil
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	l := &layout{of: t, fields: make([][]int, len(columns))}
	if t.Kind() == reflect.Struct {
		for i, way := range mapper.TraversalsByName(t, columns) {
			if len(way) == 0 {
				return nil, fmt.Errorf("%v has no field for the column %s", t, columns[i])
			}
			l.fields[i] = way
		}
	} else if len(columns) != 1 {
		return nil, fmt.Errorf("%v is not for %d columns", t, len(columns))
	}
	s.layout.Store(l)
	return l, nil
}

func (l *layout) row() *row {
	r := &row{layout: l, values: make([]any, len(l.fields)), into: make([]any, len(l.fields))}
	for i := range r.values {
		r.into[i] = &r.values[i]
	}
	return r
}

// scan reads the present row into a value of the layout's type.
func (r *row) scan(rows *sql.Rows, into reflect.Value) error {
	if err := rows.Scan(r.into...); err != nil {
		return err
	}
	for i, way := range r.layout.fields {
		field := into
		if len(way) == 1 {
			field = into.Field(way[0])
		} else if len(way) > 1 {
			field = into.FieldByIndex(way)
		}
		if !store(field, r.values[i]) {
			columns, _ := rows.Columns()
			return fmt.Errorf("column %s: a %T is no %v", columns[i], r.values[i], field.Type())
		}
	}
	return nil
}

// store puts a value of the driver (int64, float64, string, []byte, or nil, which only a pointer takes) into a field.
func store(field reflect.Value, value any) bool {
	kind := field.Kind()
	if kind == reflect.Pointer {
		if value == nil {
			field.SetZero()
			return true
		}
		field.Set(reflect.New(field.Type().Elem()))
		return store(field.Elem(), value)
	}
	switch v := value.(type) {
	case int64:
		switch kind {
		case reflect.Int64, reflect.Int, reflect.Int32, reflect.Int16, reflect.Int8:
			field.SetInt(v)
			return !field.OverflowInt(v)
		case reflect.Bool:
			field.SetBool(v != 0)
			return v == 0 || v == 1
		case reflect.Float64:
			field.SetFloat(float64(v))
			return true
		}
	case string:
		switch kind {
		case reflect.String:
			field.SetString(v)
			return true
		case reflect.Slice:
			return setBytes(field, []byte(v))
		}
	case []byte:
		switch kind {
		case reflect.Slice:
			return setBytes(field, v)
		case reflect.String:
			field.SetString(string(v))
			return true
		}
	case float64:
		if kind == reflect.Float64 {
			field.SetFloat(v)
			return true
		}
	case bool:
		if kind == reflect.Bool {
			field.SetBool(v)
			return true
		}
	}
	return value == nil && kind == reflect.Slice && setBytes(field, nil)
}

func setBytes(field reflect.Value, v []byte) bool {
	if field.Type().Elem().Kind() != reflect.Uint8 {
		return false
	}
	field.SetBytes(v)
	return true
}

// get reads the first row into dest, a pointer; sql.ErrNoRows: there is none. in is the statement, or the same one in a
// transaction.
func (s *statement) get(ctx context.Context, in *sqlx.Stmt, dest any, args []any) error {
	rows, err := in.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	into := reflect.ValueOf(dest).Elem()
	l, err := s.layoutOf(into.Type(), rows, in.Mapper)
	if err != nil {
		return err
	}
	if err := l.row().scan(rows, into); err != nil {
		return err
	}
	return rows.Close()
}

// list reads all rows into dest, a pointer to a slice, in the place of what was in it.
func (s *statement) list(ctx context.Context, in *sqlx.Stmt, dest any, args []any) error {
	rows, err := in.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	list := reflect.ValueOf(dest).Elem()
	list.SetZero()
	var r *row
	for rows.Next() {
		if r == nil {
			l, err := s.layoutOf(list.Type().Elem(), rows, in.Mapper)
			if err != nil {
				return err
			}
			r = l.row()
		}
		n := list.Len()
		if n == list.Cap() {
			list.Grow(1)
		}
		list.SetLen(n + 1)
		place := list.Index(n)
		place.SetZero()
		if err := r.scan(rows, place); err != nil {
			return err
		}
	}
	return rows.Err()
}
