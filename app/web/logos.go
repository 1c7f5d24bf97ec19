package web

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"codex/app/images"
	"codex/app/middleware"
	"codex/app/web/respond"
	"codex/db"
	"codex/views/site"
	"codex/views/ui"
)

// logo is the picture that stands for the forum as the settings of a moment ago have it; nil: none.
func (s *Server) logo() *ui.Logo {
	now := s.settled.Load()
	if now == nil {
		return nil
	}
	return logoOf(now.or(db.SettingLogo, ""))
}

// logoOf reads the name of a picture, which says what is in it and how large it is.
func logoOf(name string) *ui.Logo {
	_, size, _ := strings.Cut(name, "-")
	width, height, _ := strings.Cut(size, "x")
	w, errW := strconv.Atoi(width)
	h, errH := strconv.Atoi(height)
	if errW != nil || errH != nil || w < 1 || h < 1 {
		return nil
	}
	return &ui.Logo{URL: "/logo/" + name, Width: w, Height: h}
}

// showLogo serves the picture. Its address names its content, so it is kept for as long as a browser likes; another picture
// has another address.
func (s *Server) showLogo(w http.ResponseWriter, r *http.Request) error {
	png, err := s.db.Logo(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Length", strconv.Itoa(len(png)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(png) // who went away needs no answer
	return nil
}

// setLogo takes a picture, or with "off" takes the present one away. The whole form is bounded before it is read, and
// the file is decoded by app/images alone.
func (s *Server) setLogo(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), middleware.Viewer(r.Context())
	if ok, err := s.fresh(w, r, "/admin/settings#logo"); !ok {
		return err
	}
	name, picture := "", images.Picture{}
	if r.PostFormValue("off") == "" {
		file, err := logoFile(r)
		if err == nil {
			picture, err = images.Logo(file)
		}
		if refused, ok := errors.AsType[*images.Refused](err); ok {
			return s.logoAgain(w, r, refused.Status(), site.LogoText(ctx, refused.Why == images.TooLarge || refused.Why == images.TooWide, refused.Why == images.Foreign))
		}
		if errors.Is(err, http.ErrMissingFile) {
			return s.logoAgain(w, r, http.StatusUnprocessableEntity, ui.T(ctx, "Choose a picture first."))
		}
		if err != nil {
			return err
		}
		name = fmt.Sprintf("%x-%dx%d", sha256.Sum256(picture.PNG), picture.Width, picture.Height)
	}
	if err := s.db.SetLogo(ctx, v, name, picture.PNG); err != nil {
		return err
	}
	s.settled.Store(nil)
	if _, err := s.siteNow(ctx); err != nil {
		return err
	}
	return respond.Redirect(w, r, "/admin/settings?done=1#logo")
}

// logoFile reads the file of the form, one byte more at most than is taken.
func logoFile(r *http.Request) ([]byte, error) {
	if r.MultipartForm == nil {
		return nil, http.ErrMissingFile
	}
	file, _, err := r.FormFile("logo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := io.ReadAll(io.LimitReader(file, images.LogoBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the picture: %w", err)
	}
	if len(all) == 0 {
		return nil, http.ErrMissingFile
	}
	return all, nil
}

func (s *Server) logoAgain(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	now, err := s.siteNow(r.Context())
	if err != nil {
		return err
	}
	return s.siteForm(w, r, status, site.Show{Groups: site.Groups(r.Context(), s.named, now.or), LogoProblem: problem})
}
