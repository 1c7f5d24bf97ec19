package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

const devices = 12 // #a0 to #a11 in the sprite, see artShapes

// Arms is a channel's coat of arms: a device in bone or gold on a shield of one of the pigments, all from the id.
// large is for the head of the channel's own page.
func Arms(id int64, large bool) templ.Component {
	h := artHash(uint32(id)*7 + 5)
	form := 0
	if large {
		form = 2
	}
	if (h>>9)%3 == 0 {
		form++ // gold
	}
	return &armsTable[form][h%pigments][(h>>6)%devices]
}

// armsTable holds every coat of arms there is: 576 strings, 66 KB.
var armsTable = func() (table [4][pigments][devices]markup) {
	for form, class := range [...]string{"", " gold", " is-large", " is-large gold"} {
		for p := range pigments {
			for d := range devices {
				table[form][p][d] = markup(`<svg class="arms p` + strconv.Itoa(p) + class +
					`" viewBox="0 0 20 24" width="15" height="18" aria-hidden="true"><use href="#a` +
					strconv.Itoa(d) + `"/></svg>`)
			}
		}
	}
	return table
}()
