package ui

import (
	"strconv"
	"strings"
)

// artShapes draws the ten grounds of initials (#o0 to #o9, on 40 by 40) and the twelve coats of arms (#a0 to #a11, on
// 20 by 24) for the sprite. Their colours are the custom properties that static/css/art.css derives from a pigment:
// --ground, --second (its second tone), --pen (penwork), --frame; and --g, --t, --device for a shield.
//
// No device is one that could be somebody's emblem (no cross, no crescent).
func artShapes() (all []string) {
	add := func(prefix string, n int, parts ...string) {
		all = append(all, `<g id="`+prefix+strconv.Itoa(n)+`">`+strings.Join(parts, "")+`</g>`)
	}
	for i, ornament := range [ornaments]string{
		// corner fans
		`<g fill="none" stroke="var(--pen)" stroke-opacity=".6">` + turned("M4 13.5a9.5 9.5 0 0 0 9.5-9.5M4 10a6 6 0 0 0 6-6M4 6.5A2.5 2.5 0 0 0 6.5 4") + `</g>`,
		// lattice
		`<path d="M4 12l8-8M4 20L20 4M4 28L28 4M4 36L36 4M12 36l24-24M20 36l16-16M28 36l8-8M28 4l8 8M20 4l16 16M12 4l24 24M4 4l32 32M4 12l24 24M4 20l16 16M4 28l8 8" stroke="var(--second)" stroke-width="1.3"/><g fill="var(--pen)" fill-opacity=".75"><circle cx="8" cy="8" r="1"/><circle cx="32" cy="8" r="1"/><circle cx="8" cy="32" r="1"/><circle cx="32" cy="32" r="1"/><circle cx="8" cy="20" r="1"/><circle cx="32" cy="20" r="1"/></g>`,
		// roundel
		`<circle cx="20" cy="20" r="14.5" fill="var(--second)"/><circle cx="20" cy="20" r="14.5" fill="none" stroke="var(--pen)" stroke-opacity=".55"/><g fill="var(--pen)" fill-opacity=".7">` + turned("M4.5 4.5h4.2a4.2 4.2 0 0 1-4.2 4.2z") + `</g>`,
		// rays
		`<path d="M20 20L4 9V4h2zM20 20L12 4h6zM20 20L22 4h6zM20 20L34 4h2v5zM20 20l16-6v6zM20 20l16 5v6zM20 20l14 16h-5zM20 20l3 16h-6zM20 20l-9 16H6zM20 20L4 31v-6zM20 20L4 20v-6z" fill="var(--second)"/>`,
		// quarters
		`<path d="M4 4h16v16H4zM20 20h16v16H20z" fill="var(--second)"/><g fill="var(--pen)" fill-opacity=".65"><path d="M30 6.5l1.5 2.5-1.5 2.5-1.5-2.5zM10 28.5l1.5 2.5-1.5 2.5-1.5-2.5z"/></g>`,
		// lozenge
		`<path d="M20 4l16 16-16 16L4 20z" fill="var(--second)"/><path d="M20 4l16 16-16 16L4 20z" fill="none" stroke="var(--pen)" stroke-opacity=".5"/><g fill="var(--pen)" fill-opacity=".75">` + turned("M7.5 6a1.5 1.5 0 1 1-.01 0z") + `</g>`,
		// scales
		`<g fill="none" stroke="var(--second)" stroke-width="1.5">` + scales("4 6", 4) + scales("8 13", 3) + scales("4 20", 4) + scales("8 27", 3) + `</g>`,
		// sprig
		`<g fill="var(--pen)" fill-opacity=".62"><path d="M8 36C5.5 27 5.5 14 9 5c-1 9-1.3 21 .3 31z"/><path d="M7 27c-2.5-.5-3.5-2.5-3-5 2.5.5 3.5 2.5 3 5zM7 17c-2.5-.5-3.5-2.5-3-5 2.5.5 3.5 2.5 3 5zM7.5 22.5c2.5-.5 3.5-2.5 3-5-2.5.5-3.5 2.5-3 5zM7.5 32c2.5-.5 3.5-2.5 3-5-2.5.5-3.5 2.5-3 5z"/><path d="M32 4c2.5 9 2.5 22-1 31 1-9 1.3-21-.3-31z"/><path d="M33 13c2.5.5 3.5 2.5 3 5-2.5-.5-3.5-2.5-3-5zM33 23c2.5.5 3.5 2.5 3 5-2.5-.5-3.5-2.5-3-5zM32.5 17.5c-2.5.5-3.5 2.5-3 5 2.5-.5 3.5-2.5 3-5zM32.5 8c-2.5.5-3.5 2.5-3 5 2.5-.5 3.5-2.5 3-5z"/></g>`,
		// per bend
		`<path d="M4 36L36 4v32z" fill="var(--second)"/><g fill="var(--pen)" fill-opacity=".7"><circle cx="8" cy="8" r="1.2"/><circle cx="13" cy="8" r="1.2"/><circle cx="8" cy="13" r="1.2"/><circle cx="32" cy="32" r="1.2"/><circle cx="27" cy="32" r="1.2"/><circle cx="32" cy="27" r="1.2"/></g>`,
		// vine
		`<g fill="none" stroke="var(--pen)" stroke-opacity=".65" stroke-linecap="round">` + turned("M4.5 19c0-8 3-12.5 8-13 2.5 0 3.5 2.5 2 4s-3.5.5-3.2-1M7 12.5c-1.5-.5-2-2-1.8-3.5") + `</g>`,
	} {
		add("o", i, `<rect width="40" height="40" fill="var(--ground)"/>`, ornament,
			`<rect x="2.5" y="2.5" width="35" height="35" fill="none" stroke="var(--frame)" stroke-opacity="var(--frame-opacity)"/>`)
	}
	const shield = "M1 1H19V12C19 17.5 15 21 10 23C5 21 1 17.5 1 12Z"
	for i, device := range [devices]string{
		`<path d="M10 1H19V12C19 17.5 15 21 10 23Z"/>`,
		`<path d="M1 8.5H19V12C19 13 18.9 13.8 18.6 14.5H1.4C1.1 13.8 1 13 1 12Z"/>`,
		`<path fill="none" stroke="var(--device)" stroke-width="3.2" d="M2.6 16.5L10 9l7.4 7.5"/>`,
		`<circle cx="10" cy="11" r="4.6"/>`,
		`<path d="M10 4l4.8 7.3L10 18.6l-4.8-7.3z"/>`,
		`<path d="M1 1H19V8H1Z"/><circle cx="10" cy="14.3" r="2.6"/>`,
		`<path d="M19 1V12C19 14 18.5 15.7 17.6 17.2L1 1Z"/>`,
		`<path d="M1 1H10V11H1ZM10 11H19V12C19 17.5 15 21 10 23Z"/>`,
		`<path d="M10 4.5l1.7 4.3 4.6.3-3.5 3 1.1 4.5L10 14.2l-3.9 2.4 1.1-4.5-3.5-3 4.6-.3z"/>`,
		`<circle cx="6" cy="7" r="2.4"/><circle cx="14" cy="7" r="2.4"/><circle cx="10" cy="14.5" r="2.4"/>`,
		`<path d="M6.5 1h2v20.9l-2-1.3zM11.5 1h2v19.6l-2 1.3z"/>`,
		`<path fill="none" stroke="var(--device)" stroke-width="2.6" d="M3 3.5l12.5 14M17 3.5L4.5 17.5"/>`,
	} {
		add("a", i, `<path fill="var(--t)" d="`+shield+`"/><g fill="var(--device)">`, device,
			`</g><path fill="none" stroke="var(--g)" stroke-width="1.5" d="`+shield+`"/>`)
	}
	return all
}

// turned draws d in each corner.
func turned(d string) string {
	var b strings.Builder
	for _, angle := range [...]string{"0", "90", "180", "270"} {
		b.WriteString(`<path d="` + d + `" transform="rotate(` + angle + ` 20 20)"/>`)
	}
	return b.String()
}

// scales is a row of n half circles.
func scales(from string, n int) string {
	return `<path d="M` + from + strings.Repeat("a4 4 0 0 0 8 0", n) + `"/>`
}
