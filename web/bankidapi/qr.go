package bankidapi

import (
	"bytes"
	"fmt"
	"net/http"

	"rsc.io/qr"
)

// quietZone is how many light modules stand around a code (ISO/IEC 18004 §9.1).
const quietZone = 4

// showQR answers with the code of this second: its text, or a picture of it. It is another one each second (BankID API: QR code).
func showQR(c *call, _ http.ResponseWriter) (*answer, error) {
	l, err := c.find(c.request.PathValue("id"))
	if err != nil {
		return nil, err
	}
	frame := c.Orders.Frame(l)
	if frame.IsZero() {
		return nil, &fault{status: http.StatusConflict, code: "qr_not_available", title: "No QR code", detail: "the order has none: an app has it, it has ended, or it is by telephone"}
	}
	text := frame.Reveal()
	switch c.kind {
	case textType:
		return &answer{status: http.StatusOK, raw: []byte(text)}, nil
	case svgType, pngType:
		picture, err := drawn(text, c.kind)
		return &answer{status: http.StatusOK, raw: picture}, err
	}
	ref := reference(l.ID)
	return &answer{status: http.StatusOK, body: document{
		JSONAPI: c.dialect.version(), Data: resource{Type: typeQR, ID: ref, Attributes: order{OrderRef: ref, QRData: text}}, Meta: &meta{1},
	}}, nil
}

// drawn returns a picture of the text as a code.
func drawn(text, kind string) ([]byte, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil, fmt.Errorf("draw QR code: %w", err)
	}
	if kind == pngType {
		return code.PNG(), nil
	}
	var b bytes.Buffer
	whole := code.Size + 2*quietZone
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, whole, whole, whole, whole)
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quietZone, y+quietZone)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes(), nil
}
