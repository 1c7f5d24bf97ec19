// Package images turns the bytes of an uploaded picture into pixels, and pixels into a file of our own. Nothing else of
// the forum decodes a picture, and no byte of an uploaded file is ever served: what comes out is encoded here, so that
// whatever was hidden in a file (places, scripts, another file behind the picture) stays behind.
//
// What a file is, its first bytes say, not its name nor what the browser calls it. Its bounds are read and compared
// before a pixel is allocated. A call holds at most about 100 bytes a pixel of the largest picture that it takes; calls
// share nothing and may run side by side, so whoever lets many people call it bounds how many do at once.
package images

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"net/http"

	"golang.org/x/image/webp"
)

// Bounds of the picture that stands for the forum.
const (
	LogoBytes = 512 << 10 // of the file
	LogoSide  = 2_000     // of its picture, in pixels
	LogoShown = 512       // of what is made of it
)

// jpegScans is how many scans a progressive JPEG may have; programs make about ten. Each costs a walk over the whole
// picture and can be written in twenty bytes, so a small file could keep a core busy for minutes.
const jpegScans = 100

// Refused says why a file is not taken.
type Refused struct {
	Why    Why
	status int
	err    error // what the decoder said; may be nil
}

// Why is what is wrong with a file.
type Why int

// The reasons.
const (
	TooLarge Why = iota // more bytes than are taken
	Foreign             // none of PNG, JPEG and WebP
	TooWide             // more pixels than are taken
	Broken              // it begins as a picture, and is none
)

func (e *Refused) Error() string {
	text := [...]string{TooLarge: "the file is too large", Foreign: "none of PNG, JPEG and WebP", TooWide: "the picture has too many pixels", Broken: "the picture is damaged"}[e.Why]
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

func (e *Refused) Unwrap() error { return e.err }

// Status returns 413, 415 or 422.
func (e *Refused) Status() int { return e.status }

// Picture is a file that Logo made.
type Picture struct {
	PNG           []byte
	Width, Height int
}

// Logo takes a PNG, JPEG or WebP of at most LogoBytes and LogoSide, and makes a PNG of at most LogoShown on each side of it. A
// picture that is smaller keeps its size. Every error is a *Refused.
func Logo(file []byte) (Picture, error) {
	if len(file) > LogoBytes {
		return Picture{}, &Refused{TooLarge, http.StatusRequestEntityTooLarge, nil}
	}
	whole, err := decode(file, LogoSide)
	if err != nil {
		return Picture{}, err
	}
	small := shrink(whole, LogoShown)
	var out bytes.Buffer
	if err := png.Encode(&out, small); err != nil {
		return Picture{}, broken(err)
	}
	return Picture{out.Bytes(), small.Rect.Dx(), small.Rect.Dy()}, nil
}

func broken(err error) error { return &Refused{Broken, http.StatusUnprocessableEntity, err} }

// decode is the door: what is behind it has bounds.
func decode(file []byte, side int) (*image.RGBA, error) {
	var head image.Config
	var err error
	read := png.Decode
	switch {
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		head, err = png.DecodeConfig(bytes.NewReader(file))
	case len(file) > 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WEBP":
		// A file of several parts says its bounds once for all of them, and again in the one that holds the pixels. The
		// decoder refuses that part when it says others, before it makes room; one that moves is refused too.
		read = webp.Decode
		head, err = webp.DecodeConfig(bytes.NewReader(file))
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		// In the picture's own bytes FF is followed by 00, so FF DA is the beginning of a scan, or chance in what is not
		// the picture.
		if n := bytes.Count(file, []byte{0xff, 0xda}); n > jpegScans {
			return nil, broken(fmt.Errorf("%d scans", n))
		}
		read = jpeg.Decode
		head, err = jpeg.DecodeConfig(bytes.NewReader(file))
	default:
		return nil, &Refused{Foreign, http.StatusUnsupportedMediaType, nil}
	}
	switch {
	case err != nil:
		return nil, broken(err)
	case head.Width < 1 || head.Height < 1:
		return nil, broken(errors.New("no pixels"))
	case head.Width > side || head.Height > side:
		return nil, &Refused{TooWide, http.StatusRequestEntityTooLarge, fmt.Errorf("%d × %d", head.Width, head.Height)}
	}
	picture, err := read(bytes.NewReader(file))
	if err != nil {
		return nil, broken(err)
	}
	flat := image.NewRGBA(image.Rect(0, 0, picture.Bounds().Dx(), picture.Bounds().Dy()))
	draw.Draw(flat, flat.Rect, picture, picture.Bounds().Min, draw.Src)
	return flat, nil
}

// shrink is the picture with no side longer than most: each pixel is the mean of those that fall together in it. It works
// on colours that are multiplied with their opacity, so that what is transparent leaves no rim.
func shrink(from *image.RGBA, most int) *image.RGBA {
	w, h := from.Rect.Dx(), from.Rect.Dy()
	longest := max(w, h)
	if longest <= most {
		return from
	}
	nw, nh := max(1, w*most/longest), max(1, h*most/longest)
	to := image.NewRGBA(image.Rect(0, 0, nw, nh))
	for y := range nh {
		y0, y1 := y*h/nh, (y+1)*h/nh
		for x := range nw {
			x0, x1 := x*w/nw, (x+1)*w/nw
			var sum [4]int
			for sy := y0; sy < y1; sy++ {
				row := from.Pix[sy*from.Stride:]
				for i := x0 * 4; i < x1*4; i += 4 {
					for c := range 4 {
						sum[c] += int(row[i+c])
					}
				}
			}
			n := (x1 - x0) * (y1 - y0)
			for c := range 4 {
				to.Pix[y*to.Stride+x*4+c] = byte((sum[c] + n/2) / n)
			}
		}
	}
	return to
}
