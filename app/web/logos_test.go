package web_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codex/app/apptest"
	"codex/db"
)

// sendLogo sends a file as a browser's form does.
func sendLogo(t *testing.T, c *apptest.Client, name string, file []byte) apptest.Answer {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("logo", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	r := c.Request(http.MethodPost, "/admin/logo", "a", "b")
	r.Body, r.ContentLength = io.NopCloser(&body), int64(body.Len())
	r.Header.Set("Content-Type", form.FormDataContentType())
	return c.Do(r)
}

func aPNG(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAWideLogoStandsInPlaceOfTheName(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin := s.As("admin", db.Admin)
	for width, named := range map[int]bool{100: true, 200: true, 201: false} {
		want(t, sendLogo(t, admin, "l.png", aPNG(t, width, 100)), 303)
		mark := first(open(t, s.Guest(), "/").root, class("wordmark"))
		if mark == nil || strings.Contains(text(mark), "Codex") != named {
			t.Errorf("beside a logo of %d by 100 stands %q", width, text(mark))
		}
	}
}

func TestAForumShowsItsLogo(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin := s.As("admin", db.Admin)
	want(t, sendLogo(t, s.As("mod", db.Moderator), "l.png", aPNG(t, 10, 10)), 403)
	want(t, sendLogo(t, admin, "l.png", aPNG(t, 1000, 250)), 303)
	var address string
	for _, path := range []string{"/", "/login", "/register"} {
		p := open(t, s.Guest(), path)
		_, after, ok := strings.Cut(p.Body, `src="/logo/`)
		if !ok {
			t.Fatalf("%s does not show the logo", path)
		}
		address = "/logo/" + after[:strings.IndexByte(after, '"')]
	}
	if !strings.HasSuffix(address, "-512x128") {
		t.Errorf("the address is %s", address)
	}
	a := want(t, s.Guest().Get(address), 200)
	if p, err := png.Decode(strings.NewReader(a.Body)); err != nil || p.Bounds().Dx() != 512 || p.Bounds().Dy() != 128 {
		t.Errorf("what is served: %v", err)
	}
	for name, value := range map[string]string{"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable",
		"Content-Security-Policy": "default-src 'none'; sandbox"} {
		if got := a.Header.Get(name); got != value {
			t.Errorf("%s: %q", name, got)
		}
	}
	if a.Header.Get("Set-Cookie") != "" {
		t.Error("a cookie comes with what everybody may keep")
	}

	var jpg bytes.Buffer
	if err := jpeg.Encode(&jpg, image.NewGray(image.Rect(0, 0, 64, 64)), nil); err != nil {
		t.Fatal(err)
	}
	want(t, sendLogo(t, admin, "l.jpg", jpg.Bytes()), 303)
	want(t, s.Guest().Get(address), 404)
	want(t, admin.Post("/admin/logo", "off", "1"), 303)
	if strings.Contains(s.Guest().Get("/").Body, "/logo/") {
		t.Error("taken away, it is still shown")
	}
	list, err := s.DB.SettingChanges(t.Context(), admin.Viewer, 10)
	if err != nil || len(list) != 3 || list[0].Name != db.SettingLogo {
		t.Errorf("the log has %+v, %v", list, err)
	}
	says(t, admin.Get("/admin/settings"), "Logo", "a picture", "nothing")
}

func TestWhatIsNoLogoIsRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	admin := s.As("admin", db.Admin)
	for name, c := range map[string]struct {
		file   []byte
		status int
		words  string
	}{
		"a picture that is too wide": {aPNG(t, 2001, 1), 413, "This picture is too large"},
		"a file that is too large":   {append(aPNG(t, 1, 1), make([]byte, 513<<10)...), 413, "This picture is too large"},
		"svg":                        {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), 415, "none of PNG, JPEG and WebP"},
		"half a picture":             {aPNG(t, 100, 100)[:60], 422, "This picture is damaged"},
		"nothing":                    {nil, 422, "Choose a picture first."},
	} {
		a := sendLogo(t, admin, "logo.png", c.file)
		if a.Status != c.status || !strings.Contains(visible(a.Body), c.words) {
			t.Errorf("%s: %d", name, a.Status)
		}
	}
	want(t, sendLogo(t, admin, "logo.png", make([]byte, 2<<20)), 413) // beyond what any form may hold
	want(t, admin.Post("/admin/logo"), 422)
	if values, err := s.DB.Settings(t.Context()); err != nil || values[db.SettingLogo] != "" {
		t.Errorf("stored: %v, %v", values, err)
	}
}

func TestHostilePicturesAreAnswered(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../shared/data/hostile-images/*/*")
	if err != nil || len(files) == 0 {
		t.Skip("the hostile files are not here")
	}
	s := apptest.Start(t)
	admin := s.As("admin", db.Admin)
	for _, path := range files {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch a := sendLogo(t, admin, filepath.Base(path), file); a.Status {
		case 303, 413, 415, 422:
		default:
			t.Errorf("%s: %d", path, a.Status)
		}
	}
}
