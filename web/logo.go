package web

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // read by image.Decode
	_ "image/jpeg"
	"image/png"
	"net/http"
)

// Limits on pictures. The largest that is served leaves the whole page below 60 KiB.
const (
	maxLogoFile   = 1 << 20  // bytes of a file that is read
	maxLogoSide   = 4096     // pixels on a side of a file that is read
	maxServedSide = 512      // pixels on a side of what is served
	maxServed     = 32 << 10 // bytes of what is served
)

// The types of pictures that are served.
const (
	typePNG = "image/png"
	typeSVG = "image/svg+xml"
)

// ErrLogo means that a file cannot be used as a logo; the error's text says why and what would do.
var ErrLogo = errors.New("not a logo that can be used")

// ReadLogo returns the picture in file as it may be served, and its media type. PNG, JPEG and GIF (its first picture) are
// encoded anew as PNG of at most 512 × 512 pixels and 32 KiB, and so carry nothing but pixels; larger ones are made smaller.
// SVG is written anew from an allow-list, as image/svg+xml. Any other file, and one that is too large or holds what a logo
// has no use for, is [ErrLogo].
func ReadLogo(file []byte) (logo []byte, mediaType string, err error) {
	if len(file) > maxLogoFile {
		return nil, "", fmt.Errorf("%w: the file has %d bytes, at most %d are read", ErrLogo, len(file), maxLogoFile)
	}
	if looksLikeSVG(file) {
		logo, err = sanitizeSVG(file)
		return logo, typeSVG, err
	}
	shape, kind, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, "", fmt.Errorf("%w: it cannot be read as PNG, JPEG, GIF or SVG (it looks like %s)", ErrLogo, http.DetectContentType(file))
	}
	// The size is looked at before any pixel is: a small file can unpack to gigabytes.
	if shape.Width < 1 || shape.Height < 1 || shape.Width > maxLogoSide || shape.Height > maxLogoSide {
		return nil, "", fmt.Errorf("%w: it is %d × %d pixels, at most %d × %d are read", ErrLogo, shape.Width, shape.Height, maxLogoSide, maxLogoSide)
	}
	picture, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, "", fmt.Errorf("%w: the %s file is damaged", ErrLogo, kind)
	}
	for side := maxServedSide; side >= 32; side = side * 3 / 4 {
		var b bytes.Buffer
		encoder := png.Encoder{CompressionLevel: png.BestCompression}
		if err := encoder.Encode(&b, shrink(picture, side)); err != nil {
			return nil, "", fmt.Errorf("encode logo: %w", err)
		}
		if b.Len() <= maxServed {
			return b.Bytes(), typePNG, nil
		}
	}
	return nil, "", fmt.Errorf("%w: it cannot be made smaller than %d bytes", ErrLogo, maxServed)
}

// shrink returns the picture with no side longer than side, each pixel the mean of those it stands for. A copy is made of a
// smaller one too, so that no more than pixels is encoded.
func shrink(picture image.Image, side int) image.Image {
	from := picture.Bounds()
	w, h := from.Dx(), from.Dy()
	if longest := max(w, h); longest > side {
		w, h = max(1, w*side/longest), max(1, h*side/longest)
	}
	to := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			part := image.Rect(from.Min.X+x*from.Dx()/w, from.Min.Y+y*from.Dy()/h, from.Min.X+(x+1)*from.Dx()/w, from.Min.Y+(y+1)*from.Dy()/h)
			to.Set(x, y, mean(picture, part))
		}
	}
	return to
}

// mean is the colour of a part of a picture; what is transparent weighs nothing.
func mean(picture image.Image, part image.Rectangle) color.Color {
	var r, g, b, a, n uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			pr, pg, pb, pa := picture.At(x, y).RGBA()
			r, g, b, a, n = r+uint64(pr), g+uint64(pg), b+uint64(pb), a+uint64(pa), n+1
		}
	}
	if n == 0 {
		return color.Transparent
	}
	return color.RGBA64{uint16(r / n), uint16(g / n), uint16(b / n), uint16(a / n)}
}
