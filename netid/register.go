package netid

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image/png"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is registered. The service takes an image of at most 16 kB.
const (
	MaxImage     = 16 << 10 // bytes of PNG
	maxImageSide = 2048     // pixels: a small file can stand for a large picture
	maxName      = 100      // characters
	maxTold      = 200      // characters of what the service says of itself and of us
)

// What can be wrong with a registration: the reasons of an *InvalidRequestError, for who says them in other languages.
const (
	ReasonName   = "is 1 to 100 characters on one line that can all be seen"
	ReasonBytes  = "has more than 16384 bytes"
	ReasonFormat = "is no PNG"
	ReasonPixels = "has a side of more than 2048 pixels"
	ReasonBroken = "is a broken PNG, or one with something behind its end"
)

// Registration is how the app shows us.
type Registration struct {
	Name string
	// Image is a PNG of at most MaxImage bytes.
	Image []byte
}

// ServiceInfo is what the service says of itself or of a caller: of its texts at most 200 characters each, without those that cannot be seen.
type ServiceInfo struct {
	Name, Version, ID string
	Image             []byte // nil for none
}

// Registered is the service's answer to a registration.
type Registered struct {
	// Provider is the service, and Caller what it now knows us as. A caller that never registered is shown as a dummy, for tests alone.
	Provider, Caller ServiceInfo
}

// Register tells the service by what name and image the app is to show whoever has our client certificate, and in what Format it is to sign.
// An *InvalidRequestError means that nothing was sent.
func (a *API) Register(ctx context.Context, r Registration) (Registered, error) {
	if err := r.check(); err != nil {
		return Registered{}, err
	}
	fields := []field{{"serverId", ""}, {"name", r.Name}, {"image", base64.StdEncoding.EncodeToString(r.Image)}, {"format", string(a.o.Format)}}
	fields = append(fields, optional("options", a.o.ServiceOptions)...)
	result, err := a.call(ctx, callRegister, fields)
	if err != nil {
		return Registered{}, err
	}
	read := &reader{e: result}
	answer := Registered{}
	for _, part := range []struct {
		name string
		into *ServiceInfo
	}{{"provider", &answer.Provider}, {"caller", &answer.Caller}} {
		if *part.into, err = readService(read.inside(part.name)); err != nil {
			return Registered{}, err
		}
	}
	return answer, read.err
}

// check looks at the name and the image as whoever shows them would: no character may turn the others around, what is behind the image's end could be
// anything, and its size comes first, as a small file can unfold into much.
func (r Registration) check() error {
	if name := strings.TrimSpace(r.Name); name == "" || name != r.Name || utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, isUnseen) {
		return &InvalidRequestError{"name", ReasonName}
	}
	if len(r.Image) > MaxImage {
		return &InvalidRequestError{"image", ReasonBytes}
	}
	size, err := png.DecodeConfig(bytes.NewReader(r.Image))
	if err != nil {
		return &InvalidRequestError{"image", ReasonFormat}
	}
	if size.Width > maxImageSide || size.Height > maxImageSide {
		return &InvalidRequestError{"image", ReasonPixels}
	}
	picture := bytes.NewReader(r.Image)
	if _, err := png.Decode(picture); err != nil || picture.Len() > 0 {
		return &InvalidRequestError{"image", ReasonBroken}
	}
	return nil
}

func readService(r *reader) (ServiceInfo, error) {
	info := ServiceInfo{Name: seen(r.text("name")), Version: seen(r.text("version")), ID: seen(r.text("id"))}
	if text := r.text("image"); text != "" {
		image, err := decodeBase64(text)
		if err != nil {
			return ServiceInfo{}, fmt.Errorf("%w: an image that is not base64", ErrBadResponse)
		}
		info.Image = image
	}
	return info, r.err
}

func isUnseen(r rune) bool { return !unicode.IsPrint(r) }

// seen returns what can be seen of a text of the service, which is shown to operators, on terminals too.
func seen(text string) string {
	all := []rune(strings.Map(func(r rune) rune {
		if isUnseen(r) {
			return -1
		}
		return r
	}, text))
	return string(all[:min(len(all), maxTold)])
}

// decodeBase64 reads base64, which some servers break into lines.
func decodeBase64(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
}
