package ui

import (
	"context"
	"io"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"
)

// Size is how large an initial stands.
type Size int

const (
	Default Size = iota // 36px, in a list of posts
	Small               // 20px, inside a line of text
	Medium              // 28px, at a comment
	Large               // 96px, at the head of a member's page
)

const (
	pigments  = 12 // .p0 to .p11 in static/css/art.css, which holds their colours
	ornaments = 10 // #o0 to #o9 in the sprite, see artShapes
)

// Initial is a member's illuminated initial: their letter on a ground that follows from the id alone, so that it
// stays when they take another name. It says nothing to a screen reader, since the name always stands beside it.
//
// The shapes stand once in the Sprite and the colours in the style sheet. Drawn in full each time, a page of fifty
// comments was 17 KB longer and looked the same to the pixel.
func Initial(id int64, name string, size Size) templ.Component {
	return initial{id, name, size}
}

type initial struct {
	id   int64
	name string
	size Size
}

func (c initial) Render(ctx context.Context, w io.Writer) error {
	h := artHash(uint32(c.id) + 3)
	ornament := int(h>>5) % ornaments
	shape(firstOrnament + ornament).draw(ctx)
	bare := 0
	if (h>>11)%4 == 0 { // one in four: a coloured letter on bare vellum
		bare = 1
	}
	size := c.size
	if size < Default || size > Large {
		size = Default
	}
	if _, err := io.WriteString(w, initialHeads[size][h%pigments][bare]); err != nil {
		return err
	}
	if _, err := io.WriteString(w, initialGrounds[ornament]); err != nil {
		return err
	}
	if _, err := io.WriteString(w, letter(c.name)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "</text></svg>")
	return err
}

// artHash spreads neighbouring ids. It is a part of how members look: changing it gives everybody another ground.
func artHash(id uint32) uint32 {
	h := id * 2654435761
	h ^= h >> 15
	h *= 2246822519
	h ^= h >> 13
	return h
}

// maxMarks bounds the accents of a letter, so that a name made to overflow its line cannot overflow its initial.
const maxMarks = 3

// letter is the first letter or digit of a name as a capital, with its accents. A name without any gives "?". As it
// holds letters, digits and marks only, it needs no escaping.
func letter(name string) string {
	for i, r := range name {
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			continue
		}
		base := i + utf8.RuneLen(r)
		end := base
		for n := 0; n < maxMarks; n++ {
			mark, size := utf8.DecodeRuneInString(name[end:])
			if !unicode.IsMark(mark) {
				break
			}
			end += size
		}
		switch up := unicode.ToUpper(r); {
		case up == r:
			return name[i:end]
		case up < utf8.RuneSelf && end == base:
			return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[up-'A' : up-'A'+1]
		default:
			return string(up) + name[base:end]
		}
	}
	return "?"
}

var initialGrounds = func() (g [ornaments]string) {
	for i := range g {
		g[i] = `<use href="#o` + strconv.Itoa(i) + `"/><text x="20" y="28.5">`
	}
	return g
}()

var initialHeads = func() (heads [Large + 1][pigments][2]string) {
	classes := [...]string{Default: "", Small: " is-small", Medium: " is-medium", Large: " is-large"}
	for size, class := range classes {
		for p := range pigments {
			for bare, more := range [...]string{"", " bare"} {
				heads[size][p][bare] = `<svg class="initial` + class + ` p` + strconv.Itoa(p) + more +
					`" viewBox="0 0 40 40" width="36" height="36" aria-hidden="true">`
			}
		}
	}
	return heads
}()
