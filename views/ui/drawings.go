package ui

import (
	"fmt"
	"strings"

	"github.com/a-h/templ"
)

// Drawing names one of the miniatures: the painted squares that stand where a page has little else to show. They are
// made like an illuminated initial: a ground of one pigment with penwork, a gold frame, and one figure in bone and gold
// with a key line, on 160 by 160. The figures take their colours from .drawing in static/css/states.css and their
// ground from a pigment in art.css, so that no drawing holds a colour of its own.
//
// Each is 2 to 4 kB and is written where it is shown, never in the sprite: a page that shows none does not carry one.
type Drawing int

const (
	DrawBlank     Drawing = iota // an open book, nothing written yet
	DrawLeaf                     // a book with a leaf torn out
	DrawGate                     // a closed gate
	DrawHourglass                // time has run out
	DrawInkwell                  // an inkwell that ran over
	DrawQuill                    // a quill that broke
	DrawCandle                   // a light that burns low
	DrawSnail                    // from the margins of old books: slowly
	DrawLetter                   // a letter torn in two
	drawings
)

// Draw is the miniature, for decoration alone: what it means stands beside it in words. A Drawing that there is not is
// the blank book.
func Draw(d Drawing) templ.Component {
	if d < 0 || d >= drawings {
		d = DrawBlank
	}
	return &drawingTable[d]
}

// Tail is the penwork that hangs from a miniature into the margin, in its pigment.
func Tail(d Drawing) templ.Component {
	if d < 0 || d >= drawings {
		d = DrawBlank
	}
	return markup(`<svg class="tail ` + paintings[d].class + tail)
}

const tail = `" viewBox="0 0 64 248" width="64" height="248" aria-hidden="true"><g fill="none" stroke="currentColor" stroke-width="1.500" stroke-linecap="round"><path d="M9 0C8 40 3 62 11 96C19 130 7 146 10 178C13 210 40 226 50 206C56 192 38 182 33 195C30 204 41 209 43 201"/><path d="M7 46C20 40 28 30 24 20C21 13 12 17 15 23M12 100C28 100 40 90 37 78C35 69 24 71 26 79M10 150C22 150 32 142 31 132C29 124 20 126 21 132"/></g>` +
	`<g fill="currentColor"><path d="M7 30C1 29-1 24 0 17C6 18 9 23 7 30ZM7 66C13 65 18 68 20 74C13 76 9 73 7 66ZM9 88C3 88 0 83 0 76C6 77 10 81 9 88ZM13 116C19 114 24 117 27 123C20 125 15 123 13 116ZM11 140C5 140 1 136 1 129C7 129 11 133 11 140ZM10 172C16 169 22 171 25 177C18 180 13 178 10 172ZM14 194C8 196 3 193 0 187C7 185 11 187 14 194ZM30 215C28 221 23 224 16 222C18 216 23 213 30 215Z"/></g>` +
	`<g fill="var(--gold)"><circle cx="19" cy="20" r="3"/><circle cx="31" cy="77" r="3"/><circle cx="26" cy="131" r="2.500"/><circle cx="38" cy="199" r="3"/><circle cx="54" cy="218" r="2"/><circle cx="44" cy="228" r="2"/><circle cx="32" cy="232" r="2"/></g></svg>`

var paintings = [drawings]struct{ class, field, figure string }{
	DrawBlank:     {"p1 bare", diaper(), blankBook},
	DrawLeaf:      {"p1", diaper(), tornBook},
	DrawGate:      {"p0", diaper() + floor, gate},
	DrawHourglass: {"p6", diaper() + floor, hourglass},
	DrawInkwell:   {"p3", diaper() + floor, inkwell},
	DrawQuill:     {"p4", diaper(), quill},
	DrawCandle:    {"p7", stars + floor, candle},
	DrawSnail:     {"p2", diaper(), snail},
	DrawLetter:    {"p11", diaper(), letterTorn},
}

var drawingTable = func() (table [drawings]markup) {
	for d, m := range paintings {
		table[d] = markup(`<svg class="drawing ` + m.class + `" viewBox="0 0 160 160" width="160" height="160" aria-hidden="true"><rect width="160" height="160" rx="3" fill="var(--ground)"/>` +
			m.field + frame + `<g stroke="var(--key)" stroke-width="1.700" stroke-linejoin="round" stroke-linecap="round">` + m.figure + `</g></svg>`)
	}
	return table
}()

// The window inside the frame goes from 12 to 148.
const (
	frame = `<rect x="6.5" y="6.5" width="147" height="147" fill="none" stroke="var(--frame)" stroke-width="2"/><rect x="11" y="11" width="138" height="138" fill="none" stroke="var(--frame)" stroke-width=".75" stroke-opacity=".6"/>`
	floor = `<path d="M11.5 124h137v24.500h-137z" fill="var(--second)"/><path d="M12 124.500h136" stroke="var(--pen)" stroke-opacity=".6"/><path d="M12 137h136M28 125v12M58 125v12M88 125v12M118 125v12M43 137v11M73 137v11M103 137v11M133 137v11" stroke="var(--ground)" stroke-width="1.500"/>`
	stars = `<path d="M30 30h0M54 20h0M104 22h0M134 34h0M22 64h0M140 74h0M36 92h0M122 50h0M128 96h0M40 50h0M84 18h0M24 112h0" stroke="var(--frame)" stroke-width="3" stroke-linecap="round"/><path d="M30 25v10M25 30h10M134 29v10M129 34h10M140 70v8M136 74h8M36 88v8M32 92h8M104 18v8M100 22h8" stroke="var(--frame)" stroke-width=".9"/>`
)

// diaper is the field of lozenges behind a figure: five to a side, a dot where the lines cross.
func diaper() string {
	const from, to, step = 12., 148., 136. / 5
	var lines, dots strings.Builder
	for i := range 9 {
		c := 2*from + step*float64(i+1)
		a, b := max(from, c-to), min(to, c-from)
		fmt.Fprintf(&lines, "M%.4g %.4gL%.4g %.4gM%.4g %.4gL%.4g %.4g", a, b, b, a, from+to-a, b, from+to-b, a)
	}
	for y := range 9 {
		for x := y % 2; x < 9; x += 2 {
			fmt.Fprintf(&dots, "M%.4g %.4gh0", from+step/2*float64(x+1), from+step/2*float64(y+1))
		}
	}
	return `<path d="` + lines.String() + `" stroke="var(--second)" stroke-width="1.500"/><path d="` + dots.String() + `" stroke="var(--pen)" stroke-opacity=".7" stroke-width="2" stroke-linecap="round"/>`
}

const (
	boards    = `<path fill="var(--red)" d="M21 82v46Q52 119 80 132Q108 119 139 128V82Z"/>`
	leftPage  = `<path fill="var(--bone)" d="M27 77Q58 66 80 81V128Q58 113 27 121Z"/>`
	rightPage = `<path fill="var(--bone)" d="M133 77Q102 66 80 81V128Q102 113 133 121Z"/>`
	gutter    = `<path fill="none" stroke-opacity=".3" d="M80 86q-6-5-11-6M80 92q-6-5-10-6M80 98q-6-5-10-6M80 104q-6-5-10-6M80 110q-6-5-10-6M80 116q-6-5-10-6M80 122q-6-5-10-6" stroke-width="1"/>`
	rightText = `<path fill="none" stroke-opacity=".75" stroke-width="1.600" d="M102 81.500q11-2 23-.5M102 88.500q11-2 23-.5M88 96q17-5 37-1M88 103q17-5 37-1M88 110q17-5 30-2"/><path fill="var(--gilt)" stroke-width="1.500" d="M87 79.500l10-3v11.500l-10 3z"/>`

	tornBook = boards + `<path fill="var(--dun)" d="M27 77Q58 66 80 81V128Q58 113 27 121Z"/>` +
		`<path fill="none" stroke-width="1" stroke-opacity=".35" d="M34 116q16-3 30 1M34 111q14-3 26 0M34 106q12-2 22 0"/>` +
		`<path fill="var(--bone)" d="M80 81L70 75.500l3 6-7 5 5 5.500-6.500 5 7 4.500-5 6.500 7 3.500-3.500 6L80 128Z"/>` +
		rightPage + rightText +
		`<g transform="translate(57 43) rotate(-14)"><path fill="var(--bone)" d="M-21-24Q-4-29 17-23l-2.500 8 3.500 6-3.500 7 3 7-3.500 7 3 9Q-3 16-22 23Q-18 0-21-24Z"/><path fill="none" stroke-opacity=".75" stroke-width="1.600" d="M-3-17h11M-3-11h11M-13-4h22M-13 2h22M-13 8h20"/><path fill="var(--red)" stroke-width="1.500" d="M-15-19h9v10h-9z"/><path fill="var(--dun)" d="M-22 23Q-19.500 15-19.500 9Q-13 14-7 18.600Q-14 20-22 23Z"/></g>` +
		`<path fill="none" stroke="var(--pen)" stroke-width="2" d="M84 62C104 64 122 54 124 38c1-11-12-14-15-5-2 8 8 10 10 4M92 52c8-1 12-6 13-12"/>`

	blankBook = boards + leftPage + rightPage + gutter +
		`<path fill="none" stroke-width="1" stroke-opacity=".35" d="M34 83q14-4 28-1M34 90q14-4 28-1M34 97q14-4 28-1M34 104q14-4 28-1M34 111q14-4 28-1M90 83q16-5 36-1M90 90q16-5 36-1M90 97q16-5 36-1M90 104q16-5 36-1M90 111q16-5 36-1"/>` +
		`<g transform="translate(44 92) rotate(-47)">` + feather + `</g>`

	// A quill along the x axis, its point at 0 0.
	feather = `<path fill="var(--gilt)" d="M0 0l9-2.500h16v5H9z"/><path fill="var(--bone)" d="M20 0C24-12 38-16 58-14C72-12 82-6 88 0C78 6 64 11 48 11C36 11 26 7 20 0Z"/><path fill="none" stroke-width="1.500" d="M20 0H80"/><path fill="none" stroke-width="1" stroke-opacity=".6" d="M32 0l7-11M42 0l8-12M52 0l8-11.500M62 0l8-9M34 0l7 9M44 0l8 9M54 0l8 8M64 0l7 5"/>`

	gate = `<path fill="var(--bone)" d="M48 64h6v-8h8v8h6v-8h8v8h8v-8h8v8h6v-8h8v8h6v62H48z"/>` +
		`<path fill="var(--bone)" d="M28 50h24v76H28zM108 50h24v76h-24z"/><path fill="var(--dun)" stroke="none" d="M45 52h6v73h-6zM125 52h6v73h-6z"/>` +
		`<path fill="var(--bone)" d="M23 54V36h8v6h5v-6h8v6h5v-6h8v18zM103 54V36h8v6h5v-6h8v6h5v-6h8v18z"/>` +
		`<path fill="none" stroke-width="3" d="M38 68v12M118 68v12"/>` +
		`<path fill="none" stroke-width="1" stroke-opacity=".5" d="M29 90h6M41 97h10M31 104h8M43 112h8M29 116h7M109 90h6M121 97h10M111 104h8M123 112h8M109 116h7M54 72h7M99 72h7"/>` +
		`<path fill="var(--dun)" d="M54 126V95a26 26 0 0 1 52 0v31z"/><path fill="var(--key)" d="M60 126V95a20 20 0 0 1 40 0v31z"/>` +
		`<path fill="none" stroke="var(--gilt)" stroke-width="2.500" d="M66 82v42M73 77.500V124M80 76v48M87 77.500V124M94 82v42M63 86h34M61 98h38M61 110h38" stroke-linecap="butt"/>` +
		`<path fill="none" stroke-width="1" d="M54 95h6M57.500 81.500l5 3.500M66.500 72.500l3 5M80 69v6M93.500 72.500l-3 5M102.500 81.500l-5 3.500M106 95h-6M54 110h6M100 110h6"/>` +
		`<circle cx="80" cy="104" r="9.500" fill="var(--red)"/><circle cx="80" cy="104" r="6.500" fill="none" stroke-width="1" stroke-opacity=".6"/><path fill="var(--bone)" stroke="none" d="M80 99.500a2.600 2.600 0 0 1 1.400 4.800l1.100 4.200h-5l1.100-4.200a2.600 2.600 0 0 1 1.400-4.800z"/>` +
		`<path d="M40 36V18M120 36V18" fill="none"/><path fill="var(--red)" stroke-width="1.500" d="M40 18h15l-4.500 4.500 4.500 4.500H40zM120 18h15l-4.500 4.500 4.500 4.500H120z"/>`

	hourglass = `<path fill="var(--gilt)" d="M53 36h6v84h-6zM101 36h6v84h-6z"/>` +
		`<path fill="var(--bone)" d="M63 36H97C98 58 87 66 84 78C87 90 98 98 97 120H63C62 98 73 90 76 78C73 66 62 58 63 36Z"/>` +
		`<path fill="var(--red)" stroke="none" d="M66.500 54Q80 58 93.500 54C90 64 84 69 80 78C76 69 70 64 66.500 54Z"/><path fill="none" stroke="var(--red)" stroke-width="1.800" d="M80 76v28"/><path fill="var(--red)" stroke="none" d="M64 119C66 108 74 104 80 100C86 104 94 108 96 119Z"/>` +
		`<path fill="none" stroke-width="1" stroke-opacity=".4" d="M91 41c0 5-1 9-3 13M91 115c0-6-2-10-4-14M94 41c0 3-.5 6-1 9M94 112c0-3-1-6-2-9"/>` +
		`<path fill="var(--gilt)" d="M46 26h68v5l-4 5H50l-4-5zM50 120h60l4 5v5H46v-5z"/><path fill="none" stroke-width="1" stroke-opacity=".6" d="M47 31h66M47 125h66"/>` +
		`<circle cx="56" cy="78" r="4.500" fill="var(--red)"/><circle cx="104" cy="78" r="4.500" fill="var(--red)"/>`

	inkwell = `<g transform="translate(82 72) rotate(-66) scale(.68)">` + feather + `</g>` +
		`<path fill="var(--key)" d="M26 134C24 127 40 126 50 122H106C118 124 128 124 134 129C138 134 126 138 114 136C104 134 98 141 84 140C70 142 64 136 52 139C40 141 28 140 26 134Z"/>` +
		`<path fill="var(--bone)" d="M64 74V82C52 86 46 94 46 106C46 118 52 128 58 130H102C108 128 114 118 114 106C114 94 108 86 96 82V74Z"/>` +
		`<path fill="none" stroke-width="1" stroke-opacity=".4" d="M108 98c2 8 0 18-5 26M104 96c2 9 1 19-4 28M100 95c2 9 2 20-2 30"/>` +
		`<path fill="var(--key)" d="M60 70H100C101 76 100 80 101 90C101 96 95 96 94.500 90C94 86 91 85 90 89C89 96 91 110 89 118C88 123 82 123 81.500 117C81 108 83 98 80 91C78 87 75 88 75 92C75 98 76 102 74.500 106C73 110 68.500 109 68.500 104C69 96 68 94 66 92C62 92 63 84 60 78Z"/>` +
		`<path fill="var(--gilt)" d="M58 66h44v8H58z"/><path fill="var(--key)" d="M62 66C62 60 70 62 74 60.500C80 58 84 61 89 61C95 60 98 63 98 66Z"/><path fill="none" stroke="var(--bone)" stroke-opacity=".8" stroke-width="1.500" d="M71.500 92v10M85.500 92c-.6 8 .4 14-.4 22M97.700 80v9M36 131c5-1.500 9-1.500 14-3M96 135c9 1 20 1.500 28 0"/>`

	quill = `<path fill="var(--key)" stroke="none" d="M26 138c-5-5 0-11 6-8 4-4 12-2 10 4 6-1 7 6 1 7-4 4-13 3-17-3zM58 139a2.500 2.500 0 1 0 .1 0zM24 120a2 2 0 1 0 .1 0zM66 131a1.600 1.600 0 1 0 .1 0z"/>` +
		`<g transform="translate(34 134) rotate(-54) scale(1.450)" stroke-width="1.200"><path fill="var(--gilt)" d="M0 0l9-2.200h15v4.400H9z"/><path fill="var(--bone)" d="M19 0C22-10 30-14 42-15l-3 6 4 4-3 5 4 4-3 4 2 4C32 11 24 6 19 0Z"/><path fill="none" stroke-width="1.300" d="M19 0H40"/><path fill="none" stroke-width=".8" stroke-opacity=".6" d="M25 0l6-11M31 0l5-10M25 0l6 8M31 0l5 9"/></g>` +
		`<g transform="translate(83 66) rotate(6) scale(1.320)" stroke-width="1.200"><path fill="var(--bone)" d="M0-15C18-17 36-9 43 0C34 7 18 11 0 11l3-4-4-4 3-4-4-5 4-4Z"/><path fill="none" stroke-width="1.300" d="M1-1L37 0"/><path fill="none" stroke-width=".8" stroke-opacity=".6" d="M5-1l7-11M12-1l7-10M19 0l7-8M26 0l6-5M6-1l7 9M14-1l7 8M22 0l6 5"/></g>` +
		`<path fill="none" stroke="var(--gilt)" stroke-width="2" d="M50 60l7 6M60 46l5 9M75 37l1 10"/>`

	candle = `<g fill="none" stroke="var(--gilt)" stroke-width="1.200"><circle cx="80" cy="72" r="20" stroke-opacity=".8"/><circle cx="80" cy="72" r="31" stroke-opacity=".5" stroke-dasharray="5 5"/><circle cx="80" cy="72" r="42" stroke-opacity=".3" stroke-dasharray="2 7"/></g>` +
		`<circle cx="121" cy="116" r="9" fill="none" stroke-width="7"/><circle cx="121" cy="116" r="9" fill="none" stroke="var(--gilt)" stroke-width="3"/>` +
		`<path fill="var(--bone)" d="M67 112V92c0-5 4-6 6-3 1.500 2 4 1 5-1 2-3 6-2 7 1 1 2 3 2 4 0 2-2 4-1 4 3v20z"/><path fill="none" stroke-width="1" stroke-opacity=".4" d="M89 96v16M86 98v14M91.500 94v18"/><path fill="var(--bone)" stroke-width="1.500" d="M71 97c0 5-.5 9 1.500 9s2-4 1.500-9"/>` +
		`<path d="M80 88v-8" fill="none"/><path fill="var(--gilt)" d="M80 82c-7-4-6-10 0-19 6 9 7 15 0 19z"/><path fill="var(--red)" stroke="none" d="M80 80.500c-3-2-2.500-5 0-9 2.500 4 3 7 0 9z"/>` +
		`<path fill="var(--gilt)" d="M40 110h80c0 10-10 18-20 18H60c-10 0-20-8-20-18z"/><path fill="none" stroke-width="1" stroke-opacity=".6" d="M44 115h72M92 124h10M96 120h14"/><path fill="var(--gilt)" d="M62 128h36l4 6H58z"/>`

	snail = `<path fill="var(--second)" stroke="none" d="M11.500 122q34-8 68-4t69 0v30.500h-137z"/>` +
		`<path fill="none" stroke="var(--pen)" stroke-width="1.500" d="M22 136c1-6 0-9-3-12M22 136c0-6 2-10 5-11M128 140c1-6 0-9-3-12M128 140c0-6 2-10 5-11M84 142c1-5 0-8-3-10M84 142c0-5 2-8 5-9"/>` +
		`<path fill="var(--bone)" d="M140 126H50C36 126 30 116 32 100C33 90 26 84 27 74C28 62 46 60 49 72C52 84 46 94 58 100C76 108 108 108 116 108C128 110 134 120 140 126Z"/>` +
		`<path fill="none" d="M33 66C32 58 28 54 25 48M43 65C44 56 47 52 49 46"/><circle cx="24.500" cy="46" r="3" fill="var(--gilt)"/><circle cx="49.500" cy="44" r="3" fill="var(--gilt)"/><path fill="var(--key)" stroke="none" d="M32 75q4-4 8 0-4 3-8 0z"/>` +
		`<path fill="none" stroke-width="1" stroke-opacity=".45" d="M44 119h12M62 121h14M84 121h14M106 121h14M40 112h8"/>` +
		`<circle cx="92" cy="78" r="36" fill="var(--red)"/><path fill="none" stroke="var(--gilt)" stroke-width="3" d="M60 90C50 66 72 44 94 48C116 50 124 74 114 90C104 104 80 102 76 86C73 74 84 64 94 67C103 70 103 82 96 84C91 85 88 81 90 78"/>` +
		`<path fill="none" stroke-width="1" stroke-opacity=".5" d="M122 62l-6 3M125 70l-7 1M126 78h-7M125 86l-7-2M121 95l-6-4M115 102l-5-5"/>`

	letterTorn = `<g transform="translate(-4 2) rotate(-6 56 80)"><path fill="var(--bone)" d="M28 46H74l-6 10 8 9-8 10 7 10-8 10 6 10-5 9H28Z"/><path fill="none" stroke-opacity=".75" stroke-width="1.600" d="M50 58h13M50 66h18M36 75h26M36 83h30M36 91h26M36 99h20"/><path fill="var(--gilt)" stroke-width="1.500" d="M35 55h10v13H35z"/></g>` +
		`<g transform="translate(6 4) rotate(7 104 80)"><path fill="var(--bone)" d="M82 46H132V114H76l5-9-6-10 8-10-7-10 8-10-8-9z"/><path fill="none" stroke-opacity=".75" stroke-width="1.600" d="M88 58h36M92 66h32M86 75h38M92 83h32"/><path fill="var(--gilt)" stroke-width="1.500" d="M108 108v22l5-4 5 4v-22z"/><circle cx="113" cy="105" r="11" fill="var(--red)"/><circle cx="113" cy="105" r="7" fill="none" stroke-width="1" stroke-opacity=".6"/></g>`
)
