package importer

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// MaxElement is the most bytes that one element of a dump may take, all of its
// attributes together. The longest row of a real site is under 200 KB; the bound
// is what keeps memory flat when a file was forged or damaged.
const MaxElement = 8 << 20

// Row is one <row …/>. It is valid only during the call that hands it out.
type Row struct {
	Offset int64 // bytes from the start of the file to the row's "<"
	attrs  []xml.Attr
}

// Attr gives an attribute's value; false when the row does not have it.
func (r Row) Attr(name string) (string, bool) {
	for i := range r.attrs {
		if r.attrs[i].Name.Local == name {
			return r.attrs[i].Value, true
		}
	}
	return "", false
}

// RowError says which row of which file could not be used.
type RowError struct {
	File   string
	ID     string // as written in the row; empty when it has none
	Offset int64  // bytes from the start of the file
	Err    error
}

func (e *RowError) Error() string {
	id := "a row without an Id"
	if e.ID != "" {
		id = "row " + e.ID
	}
	return fmt.Sprintf("%s, %s (byte %d): %v", e.File, id, e.Offset, e.Err)
}

// Unwrap gives the cause.
func (e *RowError) Unwrap() error { return e.Err }

// ReadRows calls fn for each row of an XML file of the form
// <anything><row a="…"/>…</anything>, in order. A byte order mark, either kind
// of line end and comments are accepted; anything else that is not a row, a file
// that stops before its end, invalid UTF-8, a repeated attribute and an element
// over MaxElement are errors that name the byte. Memory is bounded by one
// element. It stops with the context's error, and with the first error of fn.
func ReadRows(ctx context.Context, r io.Reader, fn func(Row) error) error {
	in := &bounded{r: bufio.NewReaderSize(r, 64<<10)}
	dec := xml.NewDecoder(in)
	depth, rows := 0, 0
	for {
		in.left = MaxElement
		offset := dec.InputOffset()
		// RawToken: no namespaces and no stack of open elements, which the form
		// of these files does not need, and twice the speed.
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			if depth != 0 || rows == 0 {
				return fmt.Errorf("byte %d: the file ends in the middle", offset)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("byte %d: %w", dec.InputOffset(), err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			rows++ // the root counts: a file without any row is no broken file
			if depth == 1 && rows == 1 {
				continue
			}
			if depth != 2 || tok.Name.Local != "row" {
				return fmt.Errorf("byte %d: <%s> where a row was expected", offset, tok.Name.Local)
			}
			if name := repeated(tok.Attr); name != "" {
				return fmt.Errorf("byte %d: a row with two attributes %s", offset, name)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(Row{Offset: offset, attrs: tok.Attr}); err != nil {
				return err
			}
		case xml.EndElement:
			depth--
			if depth < 0 {
				return fmt.Errorf("byte %d: </%s> closes nothing", offset, tok.Name.Local)
			}
		case xml.CharData:
			if strings.Trim(string(tok), " \t\r\n\ufeff") != "" {
				return fmt.Errorf("byte %d: text between the rows", offset)
			}
		case xml.Directive:
			return fmt.Errorf("byte %d: a document type, which a dump does not have", offset)
		}
	}
}

func repeated(attrs []xml.Attr) string {
	for i := range attrs {
		for j := range i {
			if attrs[i].Name == attrs[j].Name {
				return attrs[i].Name.Local
			}
		}
	}
	return ""
}

// bounded fails once more than left bytes were read since left was set.
// It is an io.ByteReader, so the decoder puts no buffer of its own around it
// and its offsets are exact.
type bounded struct {
	r    *bufio.Reader
	left int
}

func (b *bounded) ReadByte() (byte, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("an element of more than %d MiB", MaxElement>>20)
	}
	b.left--
	return b.r.ReadByte()
}

func (b *bounded) Read(p []byte) (int, error) {
	if len(p) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

// fields reads a row's attributes and keeps the first error.
type fields struct {
	row Row
	err error
}

func (f *fields) text(name string) string {
	v, _ := f.row.Attr(name)
	return v
}

func (f *fields) need(name string) string {
	v, ok := f.row.Attr(name)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("it has no %s", name)
	}
	return v
}

// number is 0 when the attribute is not there.
func (f *fields) number(name string) int64 {
	v, ok := f.row.Attr(name)
	if !ok || v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("%s is %q, not a whole number", name, clip(v))
	}
	return n
}

func (f *fields) needNumber(name string) int64 {
	f.need(name)
	return f.number(name)
}

// when is milliseconds since 1970; dumps write UTC without a zone. 0 when the
// attribute is not there.
func (f *fields) when(name string) int64 {
	v, ok := f.row.Attr(name)
	if !ok || v == "" {
		return 0
	}
	t, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(v, "Z"))
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("%s is %q, not a time like 2010-08-25T19:50:51.187", name, clip(v))
	}
	return t.UnixMilli()
}

func (f *fields) needWhen(name string) int64 {
	f.need(name)
	return f.when(name)
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
