package bankidsim

import (
	"bytes"
	"errors"
	"image"
	_ "image/jpeg" // the formats that a picture may have
	_ "image/png"
	"io"
	"net/http"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const (
	maxPictureBytes  = 4 << 20
	maxPicturePixels = 24_000_000 // a 6K screen; a picture takes up to eight bytes for each while it is read
)

// ScanPicture is Scan of the QR code in a picture: PNG or JPEG, at most 4 MiB and 24 million pixels, such as a screenshot
// or a frame of a camera. A *Refusal of its own says that the picture cannot be read ("badPicture", "pictureTooLarge") or
// that no code is found in it ("noQR").
func (s *Simulator) ScanPicture(picture []byte, p Pickup) (Order, error) {
	text, err := s.readPicture(picture)
	if err != nil {
		return Order{}, err
	}
	p.QR, p.OrderRef = text, ""
	return s.Scan(p)
}

// readPicture returns the text of the QR code in a picture.
func (s *Simulator) readPicture(picture []byte) (string, error) {
	if len(picture) > maxPictureBytes {
		return "", refuse(http.StatusRequestEntityTooLarge, "pictureTooLarge", "a picture has at most 4 MiB")
	}
	// The header tells the size before room is made for it: a few bytes can claim a gigabyte.
	head, _, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return "", refuse(http.StatusBadRequest, "badPicture", "the picture is neither PNG nor JPEG")
	}
	if head.Width < 1 || head.Height < 1 || head.Width > maxPicturePixels/head.Height {
		return "", refuse(http.StatusRequestEntityTooLarge, "pictureTooLarge", "a picture has at most 24 million pixels")
	}
	s.pictures.Lock() // one at a time, so that many cost no more memory than one
	defer s.pictures.Unlock()
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", refuse(http.StatusBadRequest, "badPicture", "the picture is damaged")
	}
	text, ok := findQR(img)
	if !ok {
		return "", refuse(http.StatusBadRequest, "noQR", "there is no readable QR code in the picture")
	}
	return text, nil
}

// findQR looks for a QR code: as a camera sees it, with light that varies, then as a screenshot shows it, and both again
// with light and dark exchanged. A code alone in the picture is not looked for but read, at last: now and then one has
// patterns like those at its corners, and the search takes them for these.
func findQR(img image.Image) (string, bool) {
	source := gozxing.NewLuminanceSourceFromImage(img)
	for _, hint := range []gozxing.DecodeHintType{gozxing.DecodeHintType_TRY_HARDER, gozxing.DecodeHintType_PURE_BARCODE} {
		for _, light := range []gozxing.LuminanceSource{source, source.Invert()} {
			for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(light), gozxing.NewGlobalHistgramBinarizer(light)} {
				if text, ok := decodeQR(binarizer, hint); ok {
					return text, true
				}
			}
		}
	}
	return "", false
}

func decodeQR(binarizer gozxing.Binarizer, hint gozxing.DecodeHintType) (string, bool) {
	bitmap, err := gozxing.NewBinaryBitmap(binarizer)
	if err != nil {
		return "", false
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{hint: true})
	if err != nil {
		return "", false
	}
	return result.GetText(), true
}

// postPicture is the control call around ScanPicture: the body is the picture, the query says whose phone sees it.
func (s *Simulator) postPicture(r *http.Request) (any, error) {
	picture, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxPictureBytes))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "pictureTooLarge", "a picture has at most 4 MiB")
	} else if err != nil {
		return nil, refuse(http.StatusBadRequest, "badPicture", "the picture cannot be received")
	}
	q := r.URL.Query()
	return s.ScanPicture(picture, Pickup{PersonalNumber: q.Get("personalNumber"), Policy: q.Get("policy")})
}
