package images_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"codex/app/images"
)

// hostile is where files lie that break decoders.
const hostile = "../../../shared/data/hostile-images"

func TestALogoIsDecodedAndEncodedByUs(t *testing.T) {
	t.Parallel()
	wide := image.NewNRGBA(image.Rect(0, 0, 1500, 300))
	for x := range 1500 {
		for y := range 300 {
			wide.Set(x, y, color.NRGBA{200, 10, 10, 255})
		}
	}
	var asPNG, asJPEG bytes.Buffer
	if err := errors.Join(png.Encode(&asPNG, wide), jpeg.Encode(&asJPEG, wide, nil)); err != nil {
		t.Fatal(err)
	}
	hidden := append(asPNG.Bytes(), "<script>alert(1)</script>"...)
	for name, file := range map[string][]byte{"png": hidden, "jpeg": asJPEG.Bytes()} {
		p, err := images.Logo(file)
		if err != nil || p.Width != 512 || p.Height != 102 {
			t.Fatalf("%s: %d × %d, %v", name, p.Width, p.Height, err)
		}
		got, err := png.Decode(bytes.NewReader(p.PNG))
		if err != nil {
			t.Fatal(err)
		}
		if r, g, _, a := got.At(256, 50).RGBA(); r>>8 < 190 || g>>8 > 30 || a>>8 != 255 {
			t.Errorf("%s: the colour is another: %d %d %d", name, r>>8, g>>8, a>>8)
		}
		if bytes.Contains(p.PNG, []byte("script")) {
			t.Errorf("%s: what stood behind the picture came through", name)
		}
	}
	small := image.NewNRGBA(image.Rect(0, 0, 20, 10))
	asPNG.Reset()
	if err := png.Encode(&asPNG, small); err != nil {
		t.Fatal(err)
	}
	if p, err := images.Logo(asPNG.Bytes()); err != nil || p.Width != 20 || p.Height != 10 {
		t.Errorf("a small one: %d × %d, %v", p.Width, p.Height, err)
	}
}

// claims is a PNG that says it is so large and holds no pixel.
func claims(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = append(binary.BigEndian.AppendUint32(head, h), 8, 6, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(head))
}

// riff is a WebP of such chunks.
func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// canvas is the chunk that says how large the whole is.
func canvas(w, h int) []byte {
	return append([]byte("VP8X\x0a\x00\x00\x00\x00\x00\x00\x00"), byte(w-1), byte((w-1)>>8), 0, byte(h-1), byte((h-1)>>8), 0)
}

// pixels is the beginning of a chunk of pixels without loss, and no pixel.
func pixels(w, h uint32) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte("VP8L\x06\x00\x00\x00\x2f"), w-1|(h-1)<<14), 0)
}

func TestAWebPIsALogoToo(t *testing.T) {
	t.Parallel()
	for name, encoded := range map[string]string{
		"with loss":    "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA",
		"without loss": "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==",
	} {
		file, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		p, err := images.Logo(file)
		if err != nil || p.Width != 1 || p.Height != 1 {
			t.Errorf("%s: %d × %d, %v", name, p.Width, p.Height, err)
			continue
		}
		if _, err := png.Decode(bytes.NewReader(p.PNG)); err != nil {
			t.Errorf("%s: what was made of it is no PNG: %v", name, err)
		}
	}
}

func TestWhatIsNoLogoIsRefusedByItsBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file   []byte
		status int
	}{
		"too many bytes":  {make([]byte, images.LogoBytes+1), 413},
		"too many pixels": {claims(2_001, 10), 413},
		"a huge claim":    {claims(1<<31-1, 1<<20), 413},
		"no pixels":       {claims(0, 10), 422},
		"only a head":     {claims(10, 10), 422},
		"a wide WebP":     {riff(canvas(2_001, 10)), 413},
		"a tall WebP":     {riff(pixels(10, 2_001)), 413},
		"one that lies":   {riff(canvas(10, 10), pixels(16_383, 16_383)), 422},
		"one that moves":  {riff(canvas(10, 10), []byte("ANMF\x00\x00\x00\x00")), 422},
		"a WebP's head":   {[]byte("RIFF\x04\x00\x00\x00WEBP"), 415},
		"svg":             {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), 415},
		"nothing":         {nil, 415},
		"many scans":      {append([]byte("\xff\xd8\xff"), bytes.Repeat([]byte{0xff, 0xda}, 101)...), 422},
	} {
		_, err := images.Logo(c.file)
		var refused *images.Refused
		if !errors.As(err, &refused) || refused.Status() != c.status {
			t.Errorf("%s: %v, want %d", name, err, c.status)
		}
	}
}

// TestHostileFiles is not parallel: it reads how much was allocated while it ran.
func TestHostileFiles(t *testing.T) {
	if _, err := os.Stat(hostile); err != nil {
		t.Skip("the hostile files are not here: ", err)
	}
	err := filepath.WalkDir(hostile, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		p, err := images.Logo(file)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 150<<20 {
			t.Errorf("%s: %d MiB were allocated for it", path, grown>>20)
		}
		if took > 5*time.Second {
			t.Errorf("%s: took %v", path, took)
		}
		var refused *images.Refused
		switch {
		case errors.As(err, &refused):
			if s := refused.Status(); s != 413 && s != 415 && s != 422 {
				t.Errorf("%s: status %d", path, s)
			}
		case err != nil:
			t.Errorf("%s: %v", path, err)
		case p.Width > images.LogoShown || p.Height > images.LogoShown:
			t.Errorf("%s: %d × %d", path, p.Width, p.Height)
		default:
			if _, err := png.Decode(bytes.NewReader(p.PNG)); err != nil {
				t.Errorf("%s: what was made of it is no PNG: %v", path, err)
			}
		}
		if strings.HasSuffix(path, ".svg") && (refused == nil || refused.Status() != 415) {
			t.Errorf("%s was not refused as what it is: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
