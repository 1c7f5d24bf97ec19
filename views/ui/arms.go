package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

const (
	devices = 12 // #a0 to #a11 in the sprite, see artShapes
	metals  = 3  // a device in bone or gold on the pigment, or in the pigment on bone
)

// Arms is a channel's coat of arms, all from the id. Ids count channels, and the channels of a forum stand side by side in
// its rail: so pigment and device are dealt in turn instead of drawn by a hash, and any twelve that were opened one after
// the other share neither. large is for the head of the channel's own page.
func Arms(id int64, large bool) templ.Component {
	n := uint32(id)
	round := n / pigments
	form := (n + round) % metals
	if large {
		form += metals
	}
	return &armsTable[form][n%pigments][(n*5+round)%devices]
}

// armsTable holds every coat of arms there is: 864 of them, 120 KB.
var armsTable = func() (table [2 * metals][pigments][devices]mark) {
	for form, class := range [...]string{"", " gold", " bare", " is-large", " is-large gold", " is-large bare"} {
		for p := range pigments {
			for d := range devices {
				table[form][p][d] = mark{shape(firstDevice + d), `<svg class="arms p` + strconv.Itoa(p) + class +
					`" viewBox="0 0 20 24" width="15" height="18" aria-hidden="true"><use href="#a` +
					strconv.Itoa(d) + `"/></svg>`}
			}
		}
	}
	return table
}()
